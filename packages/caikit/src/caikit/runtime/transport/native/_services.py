"""What a listener serves: gRPC, HTTP or both, each of which may join later and leave earlier than the other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from caikit.runtime.engine import RequestError, Status
from caikit.runtime.transport.http_messages import (
    HttpAnswer,
    HttpEndpoint,
    HttpRequest,
    SocketClose,
    SocketEndpoint,
)

from ._grpc_metadata import RESPONSE_BLOCK, write_status
from ._http_service import HttpService

if TYPE_CHECKING:
    from ._grpc_service import GrpcService

_ONLY_GRPC = 415, "This port speaks gRPC and gRPC-Web"
_ONLY_HTTP = Status.UNIMPLEMENTED, "This port speaks HTTP, not gRPC"
_NOT_YET = "The server is starting"


class Services:
    """Connections look here for each request. To be changed before the start, or in the event loop."""

    def __init__(self, http: HttpService | None, grpc: GrpcService | None, *, awaits_other: bool) -> None:
        """`awaits_other`: what is missing is on its way."""
        self.http = http
        self.grpc = grpc
        self._awaits_other = awaits_other
        self.front: HttpService
        """What plain requests go to; gRPC-Web is behind it."""
        self.arrange()

    def arrange(self) -> None:
        """To be called after a change."""
        if self.http is not None:
            self.front = self.http
        elif self.grpc is not None:
            status, reason = (503, _NOT_YET) if self._awaits_other else _ONLY_GRPC
            self.front = HttpService(
                NoApplication(status, reason), workers=self.grpc.workers, gate=self.grpc.gate
            )
        else:
            raise ValueError("expected something to serve")
        self.front.web = None if self.grpc is None else self.grpc.web

    def refuse_call(self) -> bytes:
        """The answer to a call of gRPC where that is not served."""
        status, reason = (Status.UNAVAILABLE, _NOT_YET) if self._awaits_other else _ONLY_HTTP
        return RESPONSE_BLOCK + write_status(status, reason)


class NoApplication:
    """Stands where there are no routes."""

    endpoints: Mapping[tuple[str, str], HttpEndpoint] = {}
    sockets: Mapping[str, SocketEndpoint] = {}

    def __init__(self, status: int, reason: str) -> None:
        body = json.dumps({"detail": reason}).encode()
        self._answer = HttpAnswer(status, body, [(b"content-type", b"application/json")])

    def missing(self, request: HttpRequest) -> HttpAnswer:
        return self._answer

    def refuse(self, error: RequestError, http_status: int | None = None) -> HttpAnswer:
        return self._answer

    def refuse_stream(self, error: RequestError) -> bytes:
        return b""

    def refuse_socket(self, error: RequestError) -> tuple[bytes, SocketClose]:
        return b"", SocketClose(1011)

    def keep_alive(self) -> bytes:
        return b""
