"""How to reach another server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any

import alog

from caikit.core.data_model import PACKAGE_COMMON, DataObjectBase, FieldNumber, dataobject
from caikit.core.data_model.json_dict import JsonDict
from caikit.core.exceptions import error_handler

log = alog.use_channel("CONNINFO")
error = error_handler.get(log)


@dataobject(PACKAGE_COMMON)
class ConnectionTlsInfo(DataObjectBase):
    """Whether and with which files a connection is encrypted.

    Files are paths of PEM files. They are read, once, when they are asked for: the object may be parsed on another
    machine. `ca_file` says whom to trust, `cert_file` and `key_file` go together and make the connection mutual,
    `insecure_verify` trusts everybody.

    Raises:
        TypeError: a value has the wrong type.
        ValueError: only one of `cert_file` and `key_file` is given.
        FileNotFoundError: there is no such file, when it is read.
    """

    enabled: Annotated[bool, FieldNumber(1)] = False
    insecure_verify: Annotated[bool, FieldNumber(2)] = False
    ca_file: Annotated[str | None, FieldNumber(3)] = None
    cert_file: Annotated[str | None, FieldNumber(4)] = None
    key_file: Annotated[str | None, FieldNumber(5)] = None

    _private_slots = ("_contents",)

    def __post_init__(self) -> None:
        error.type_check("<COR74451500E>", bool, enabled=self.enabled, insecure_verify=self.insecure_verify)
        error.type_check(
            "<COR74451501E>",
            str,
            allow_none=True,
            ca_file=self.ca_file,
            cert_file=self.cert_file,
            key_file=self.key_file,
        )
        if self.enabled and bool(self.cert_file) != bool(self.key_file):
            message = (
                "Invalid TLS values. Both cert and key must be provided: "
                f"found cert_file={self.cert_file}, key_file={self.key_file}"
            )
            error("<COR74451502E>", ValueError(message))

    @property
    def mtls_enabled(self) -> bool:
        """True if the client shows a certificate of its own."""
        return bool(self.enabled and self.cert_file and self.key_file)

    @property
    def ca_data(self) -> bytes | None:
        """The content of `ca_file`; None without TLS, as for the other two."""
        return self._content("CA", self.ca_file)

    @property
    def cert_data(self) -> bytes | None:
        """The content of `cert_file`."""
        return self._content("Cert", self.cert_file)

    @property
    def key_data(self) -> bytes | None:
        """The content of `key_file`."""
        return self._content("Key", self.key_file)

    def _content(self, kind: str, path: str | None) -> bytes | None:
        if not self.enabled or not path:
            return None
        contents: dict[str, bytes] = getattr(self, "_contents", None) or {}
        if path not in contents:
            if not os.path.isfile(path):
                error("<COR74451503E>", FileNotFoundError(f"Unable to find TLS {kind} File {path}"))
            with open(path, "rb") as file:
                contents[path] = file.read()
            self._contents = contents
        return contents[path]


@dataobject(PACKAGE_COMMON)
class ConnectionInfo(DataObjectBase):
    """Address, encryption, patience and options of a connection.

    `port` is 443 with TLS and 80 without unless it is given. `timeout` is in seconds, None waits for ever. `retries`
    limits the attempts of a call, for gRPC with the first one, for HTTP without it; `retry_options` are arguments of
    the retry policy, `options` those of the channel or the session. `max_session_age` is in seconds.

    Raises:
        TypeError: a value has the wrong type.
    """

    hostname: Annotated[str, FieldNumber(1)]
    port: Annotated[int | None, FieldNumber(2)] = None
    tls: Annotated[ConnectionTlsInfo | None, FieldNumber(3)] = field(default_factory=ConnectionTlsInfo)
    timeout: Annotated[int | None, FieldNumber(4)] = 60
    options: Annotated[JsonDict | None, FieldNumber(5)] = field(default_factory=dict)
    retries: Annotated[int | None, FieldNumber(6)] = 1
    retry_options: Annotated[JsonDict | None, FieldNumber(7)] = field(default_factory=dict)
    max_session_age: Annotated[float, FieldNumber(8)] | Annotated[int, FieldNumber(9)] = -1
    """Seconds; negative: keep the connection for ever, 0: a new one for each request."""

    def __post_init__(self) -> None:
        error.type_check("<COR74451510E>", str, hostname=self.hostname)
        error.type_check("<COR74451511E>", int, allow_none=True, port=self.port, retries=self.retries)
        error.type_check("<COR74451512E>", int, float, allow_none=True, timeout=self.timeout)
        error.type_check("<COR74451513E>", int, float, max_session_age=self.max_session_age)
        self.tls = _as_tls_info(self.tls)
        if self.port is None:
            self.port = 443 if self.tls.enabled else 80
        for options in (self.options, self.retry_options):
            error.type_check("<COR74451514E>", dict, allow_none=True, options=options)
            error.type_check_all("<COR74451515E>", str, int, float, options=list((options or {}).values()))


def _as_tls_info(tls: ConnectionTlsInfo | Mapping[str, Any] | None) -> ConnectionTlsInfo:
    if tls is None:
        return ConnectionTlsInfo()
    if isinstance(tls, Mapping):
        return ConnectionTlsInfo(**tls)
    error.type_check("<COR74451516E>", ConnectionTlsInfo, tls=tls)
    return tls


__all__ = ["ConnectionInfo", "ConnectionTlsInfo"]
