"""What HTTP transports and the HTTP head tell each other."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from caikit.runtime.engine import Body, LoopRuns, RequestContext, RequestError
from caikit.runtime.engine.guard import Guard

__all__ = [
    "BODY_LIMIT_KEY",
    "CLOSED",
    "DEFAULT_BODY_LIMIT",
    "RESTARTING",
    "HeaderList",
    "HttpAnswer",
    "HttpApplication",
    "HttpEndpoint",
    "HttpRequest",
    "SocketClose",
    "SocketEndpoint",
    "read_headers",
    "too_large",
]

BODY_LIMIT_KEY = "runtime.http.max_body_size"
DEFAULT_BODY_LIMIT = 64 * 1024 * 1024

HeaderList = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class HttpAnswer:
    """A complete response."""

    status: int
    body: bytes
    headers: HeaderList = field(default_factory=list)


@dataclass(slots=True)
class HttpRequest:
    """The part of a request that decides how its body is read."""

    method: str
    path: str
    query: bytes
    content_type: bytes | None
    scheme: str = "http"
    host: bytes = b""
    content_encoding: bytes | None = None


@dataclass(frozen=True, slots=True)
class SocketClose:
    """How a server ends a conversation over WebSocket."""

    code: int
    reason: str = ""
    """At most 100 bytes."""


CLOSED = SocketClose(1000)
"""Everything was said."""

RESTARTING = SocketClose(1012, "The server is shutting down")


def too_large(limit: int) -> SocketClose:
    return SocketClose(1009, f"A message is larger than {limit} bytes ({BODY_LIMIT_KEY})")


class HttpEndpoint(Protocol):
    """One method of one path. `guard` and `accept` are asked before the body is read, the others run in a worker."""

    @property
    def guard(self) -> Guard | None: ...

    @property
    def streaming(self) -> bool: ...

    @property
    def takes_lines(self) -> bool:
        """The body is handed over line by line, as it comes."""

    @property
    def loop_runs(self) -> LoopRuns | None:
        """Decides which requests need no worker."""

    @property
    def stream_headers(self) -> HeaderList: ...

    def accept(self, request: HttpRequest) -> HttpAnswer | None:
        """The answer to a request that needs no worker: a constant, or a refusal; else None."""

    def answer(self, context: RequestContext, request: HttpRequest, body: Body) -> HttpAnswer:
        """Serve the request; failures are answers too."""

    def stream(
        self, context: RequestContext, request: HttpRequest, body: Body
    ) -> Generator[bytes | HttpAnswer, None, None]:
        """Serve the request in chunks; a malformed one yields a single answer instead."""


class SocketEndpoint(Protocol):
    """One path that takes a WebSocket."""

    @property
    def guard(self) -> Guard | None:
        """Asked before the handshake is answered."""

    def converse(
        self, context: RequestContext, messages: Iterator[bytes]
    ) -> Generator[bytes | SocketClose, None, None]:
        """In a worker: answer the messages of a client until there are no more; the last thing said is the close.

        Failures are told in that way, too.
        """


class HttpApplication(Protocol):
    """The routes of a server."""

    @property
    def endpoints(self) -> Mapping[tuple[str, str], HttpEndpoint]: ...

    @property
    def sockets(self) -> Mapping[str, SocketEndpoint]:
        """What takes a WebSocket, by path."""

    def missing(self, request: HttpRequest) -> HttpAnswer:
        """The answer for a path or method that does not exist, or does not take a WebSocket."""

    def refuse(self, error: RequestError, http_status: int | None = None) -> HttpAnswer:
        """The answer to a request that is not served."""

    def refuse_stream(self, error: RequestError) -> bytes:
        """The last chunk of a stream that cannot go on."""

    def refuse_socket(self, error: RequestError) -> tuple[bytes, SocketClose]:
        """The end of a conversation that cannot go on."""

    def keep_alive(self) -> bytes:
        """The chunk that tells the client of a silent stream that it lives."""


def read_headers(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Header values by lower-case name; the last one wins."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}
