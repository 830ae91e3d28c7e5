"""How a text generation server is reached."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import alog

from caikit.core.exceptions import error_handler

from ._prompts import copy_prompt, remove_prompt

if TYPE_CHECKING:
    import grpc

    from .load_balancing_proxy import GRPCLoadBalancerProxy

__all__ = ["CONNECTION_KEYS", "TGISConnection"]

log = alog.use_channel("TGCONN")
error = error_handler.get(log)

CONNECTION_KEYS = (
    "hostname",
    "ca_cert_file",
    "client_cert_file",
    "client_key_file",
    "hostname_override",
    "prompt_dir",
    "grpc_lb_policy_name",
    "grpc_lb_poll_interval_s",
)

_MODEL_ID = "{model_id}"
_HOST_AND_PORT = re.compile(r"[^:/?#\s]+:\d+")
_DEFAULT_POLICY = "round_robin"
_DEFAULT_POLL_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TGISConnection:
    """A server for one model; the files are checked when it is made."""

    hostname: str
    model_id: str
    ca_cert_file: str | None = None
    client_cert_file: str | None = None
    client_key_file: str | None = None
    hostname_override: str | None = None
    prompt_dir: str | None = None
    grpc_lb_policy_name: str = _DEFAULT_POLICY
    grpc_lb_poll_interval_s: float = _DEFAULT_POLL_SECONDS

    def __post_init__(self) -> None:
        texts: dict[str, Any] = {
            "ca_cert_file": self.ca_cert_file,
            "client_cert_file": self.client_cert_file,
            "client_key_file": self.client_key_file,
            "hostname_override": self.hostname_override,
            "prompt_dir": self.prompt_dir,
        }
        error.type_check("<TGB45582311E>", str, allow_none=True, **texts)
        error.type_check("<TGB45582312E>", str, hostname=self.hostname, policy=self.grpc_lb_policy_name)
        error.type_check("<TGB45582313E>", int, float, grpc_lb_poll_interval_s=self.grpc_lb_poll_interval_s)
        error.value_check(
            "<TGB45582314E>",
            _HOST_AND_PORT.fullmatch(self.hostname),
            f"expected host:port as the hostname of a text generation server, got {self.hostname!r}",
        )
        self._check_files()

    @classmethod
    def from_config(cls, model_id: str, config: Mapping[str, Any]) -> TGISConnection | None:
        """The connection for a model; None if the configuration has no host."""
        if not config.get("hostname"):
            return None
        given = {key: config[key] for key in CONNECTION_KEYS if config.get(key) not in (None, "")}
        given["hostname"] = str(given["hostname"]).replace(_MODEL_ID, model_id)
        return cls(model_id=model_id, **given)

    @property
    def server(self) -> tuple[Any, ...]:
        """What is the same for all models of a server."""
        return tuple(getattr(self, key) for key in CONNECTION_KEYS)

    @property
    def tls_enabled(self) -> bool:
        """Whether the server has to prove who it is."""
        return self.ca_cert_file is not None

    @property
    def mtls_enabled(self) -> bool:
        """Whether the client proves who it is, too."""
        return self.client_cert_file is not None

    def get_client(self) -> GRPCLoadBalancerProxy:
        """A new client, which has the methods of `GenerationServiceStub`."""
        # Only who calls a server needs the library.
        from .load_balancing_proxy import GRPCLoadBalancerProxy
        from .protobufs.generation_pb2_grpc import GenerationServiceStub

        options = []
        if self.hostname_override:
            options.append(("grpc.ssl_target_name_override", self.hostname_override))
        return GRPCLoadBalancerProxy(
            GenerationServiceStub,
            self.hostname,
            self._credentials(),
            policy_name=self.grpc_lb_policy_name,
            poll_interval_s=self.grpc_lb_poll_interval_s,
            channel_options=options,
        )

    def test_connection(self, timeout: float | None = None) -> None:
        """Ask the server about the model; raises `grpc.RpcError` if that fails."""
        from .protobufs import generation_pb2

        client = self.get_client()
        try:
            client.ModelInfo(generation_pb2.ModelInfoRequest(model_id=self.model_id), timeout=timeout)
        finally:
            client.close()

    def load_prompt_artifacts(self, prompt_id: str, *files: str) -> None:
        """Copy the files of a tuned prompt to where the server finds them."""
        copy_prompt(self._prompt_dir(), prompt_id, *files)

    def unload_prompt_artifacts(self, *prompt_ids: str) -> None:
        """Delete tuned prompts."""
        for prompt_id in prompt_ids:
            remove_prompt(self._prompt_dir(), prompt_id)

    def _prompt_dir(self) -> str:
        if self.prompt_dir is None:
            error("<TGB09142407E>", ValueError(f"No prompt_dir configured for {self.hostname}"))
        return self.prompt_dir

    def _check_files(self) -> None:
        cert, key, authority = self.client_cert_file, self.client_key_file, self.ca_cert_file
        error.value_check(
            "<TGB79518572E>",
            (cert is None) == (key is None),
            "Must set both client_cert_file and client_key_file or neither",
        )
        error.value_check(
            "<TGB79518573E>",
            cert is None or authority is not None,
            f"Cannot set client TLS ({cert}/{key}) without CA ({authority})",
        )
        error.file_check("<TGB79518574E>", *(file for file in (authority, cert, key) if file is not None))
        if self.prompt_dir is not None:
            error.dir_check("<TGB79518575E>", self.prompt_dir)

    def _credentials(self) -> grpc.ChannelCredentials | None:
        import grpc

        if not self.tls_enabled:
            return None
        return grpc.ssl_channel_credentials(
            _content(self.ca_cert_file), _content(self.client_key_file), _content(self.client_cert_file)
        )


def _content(file: str | None) -> bytes | None:
    if file is None:
        return None
    with open(os.path.abspath(file), "rb") as opened:
        return opened.read()
