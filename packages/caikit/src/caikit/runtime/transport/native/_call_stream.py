"""What carries a call: a stream of HTTP/2, or a request of gRPC-Web."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ._heads import Head

if TYPE_CHECKING:
    from ._connection import Connection
    from ._http2_stream import StreamUser


class CallStream(Protocol):
    """Header blocks are those of HTTP/2, without any table."""

    head: Head
    begun: bool
    remote_ended: bool

    @property
    def connection(self) -> Connection: ...

    @property
    def writable(self) -> bool: ...

    def choose_id(self) -> str:
        """The id of the request."""

    def use(self, user: StreamUser) -> None: ...

    def hold(self, held: bool) -> None: ...

    def start(self, block: bytes) -> None: ...

    def send(self, data: bytes) -> None: ...

    def finish(self, trailers: bytes = b"") -> None: ...

    def answer(self, block: bytes, data: bytes, trailers: bytes) -> None: ...

    def refuse(self, block: bytes) -> None: ...
