"""A running server, over whichever protocol."""

from __future__ import annotations

import argparse
import os
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ._address import GRPC, read_address, read_headers, tls_settings, token_file
from ._errors import CommandError, UsageError
from ._parser import DEFAULT_TIMEOUT
from ._rpc import Rpc

# What a server may take to describe itself, where its answers may take any time.
_LOOK_SECONDS = 20.0


@dataclass(frozen=True)
class FileAnswer:
    """An answer that is a file instead of JSON."""

    content: bytes
    media_type: str
    name: str | None = None


Answer = Any
"""JSON, or a `FileAnswer`."""


class Server(Protocol):
    """What commands need of a server; errors are `CommandError` and `CaikitRuntimeException`."""

    @property
    def name(self) -> str:
        """The address, for messages."""

    def rpcs(self) -> list[Rpc]:
        """What it offers."""

    def call(
        self, rpc: Rpc, requests: Iterable[Mapping[str, Any]], model_id: str | None
    ) -> Generator[Answer, None, None]:
        """The answers, one for an RPC that does not stream them, as they arrive; closing ends the call.

        Requests have the names of the fields of the RPC; values are as `_arguments` and `_fit` read them.
        """

    def ask(self, rpc_name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of an RPC of the server's own services."""


def open_server(options: argparse.Namespace, *, timeout: float | None = DEFAULT_TIMEOUT) -> Server:
    """The server that the options mean; nothing is sent yet."""
    address = read_address(options)
    timeout = getattr(options, "timeout", timeout)
    look = _LOOK_SECONDS if timeout is None else timeout
    try:
        from caikit.interfaces.common.data_model import ConnectionTlsInfo
        from caikit.runtime.client._credentials import Credentials

        tls = ConnectionTlsInfo(**tls_settings(options, address))
        pairs = Credentials(read_headers(options), token_file(options)).pairs()
        if address.protocol == GRPC:
            if not getattr(options, "debug", False):
                os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # else its C core writes to standard error
            from ._grpc_server import GrpcServer

            return GrpcServer(address, tls, pairs, timeout=timeout, look_timeout=look)
        from ._http_server import HttpServer

        return HttpServer(address, tls, pairs, timeout=timeout, look_timeout=look)
    except ImportError as problem:
        raise CommandError(
            f"Asking a server over {address.protocol} needs caikit[runtime-client] ({problem.__cause__ or problem})"
        ) from problem
    except ValueError as problem:
        raise UsageError(str(problem)) from None
