"""What a request says before its body."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import unquote

from caikit.runtime.engine import (
    REQUEST_ID_HEADER,
    TRACE_HEADER,
    RequestContext,
    find_request_id,
    make_request_id,
)
from caikit.runtime.transport.http_messages import HeaderList, HttpRequest, read_headers

from ._connection import Connection

_GRPC = b"application/grpc"
_WEB = b"application/grpc-web"
_ID_HEADERS = (REQUEST_ID_HEADER.encode(), TRACE_HEADER.encode())


class Head:
    """The head of a request over either version of HTTP. A connection may use it for several equal requests."""

    __slots__ = (
        "_base",
        "_given_id",
        "asks_socket",
        "expects_word",
        "headers",
        "hosts",
        "is_call",
        "is_web",
        "length",
        "plan",
        "pseudo",
        "raw_path",
        "request",
        "varied",
        "version",
    )

    def __init__(
        self, method: str, target: tuple[bytes, bytes], scheme: str, headers: HeaderList, version: str
    ) -> None:
        """`target` is path and query; `headers` have lower-case names."""
        self.headers = headers
        self._base: Head | None = None
        self.varied: HeaderList = []
        """The headers that the base does not have."""
        self.pseudo = 0
        """How many headers HTTP/2 had for what is in the request line of HTTP/1."""
        self.version = version
        self.raw_path, query = target
        self.length: int | None = None
        self.hosts = 0
        self.expects_word = False
        """The client waits for a word before it sends its body."""
        self.asks_socket = False
        """The client wants a WebSocket."""
        self.is_call = self.is_web = False
        """It is a call of gRPC, or of gRPC-Web."""
        self._given_id: str | None = None
        self.plan: Any = None
        """What a service has found out about requests with this head."""
        path = self.raw_path.decode("latin-1")
        if "%" in path:
            path = unquote(path)
        self.request = HttpRequest(method, path, query, None, scheme)
        self._read()

    @property
    def base(self) -> Head:
        """The head of which this one is a variant, or itself."""
        return self._base or self

    def vary(self, varied: HeaderList) -> Head:
        """A head with more headers, none of which decides how the request is served."""
        head = Head.__new__(Head)
        head._base = self
        head.varied = varied
        head.headers = self.headers + varied
        head.version = self.version
        head.pseudo = self.pseudo
        head.raw_path = self.raw_path
        head.length = self.length
        head.hosts = self.hosts
        head.expects_word = self.expects_word
        head.asks_socket = self.asks_socket
        head.is_call = self.is_call
        head.is_web = self.is_web
        head._given_id = self._given_id
        head.plan = None
        head.request = self.request
        ids = []
        for header in varied:
            if header[0] in _ID_HEADERS:
                ids.append(header)
            elif header[0] == b"content-length":
                head._read_length(header[1])
        if ids:
            head._read_ids(head.headers if self._given_id else ids)
        return head

    def _read(self) -> None:
        request = self.request
        asks_id = False
        for name, value in self.headers:
            if name == b"content-type":
                request.content_type = value
                self.is_web = value[: len(_WEB)].lower() == _WEB
                self.is_call = not self.is_web and value.startswith(_GRPC)
            elif name == b"content-length":
                self._read_length(value)
            elif name == b"host":
                request.host = value
                self.hosts += 1
            elif name == b"content-encoding":
                request.content_encoding = value
            elif name == b"expect":
                self.expects_word = value.lower() == b"100-continue" and self.version != "1.0"
            elif name in _ID_HEADERS:
                asks_id = True
            elif name == b"transfer-encoding" and value.strip().lower() != b"chunked":
                raise ValueError("a transfer encoding that is not known")
            elif name == b"upgrade":
                self.asks_socket = value.lower() == b"websocket" and request.method == "GET"
        if asks_id:
            self._read_ids(self.headers)

    def _read_length(self, value: bytes) -> None:
        # Twenty digits are too large already.
        self.length = int(value[:20]) if value.isdigit() else 0

    def _read_ids(self, headers: HeaderList) -> None:
        self._given_id = find_request_id(read_headers([pair for pair in headers if pair[0] in _ID_HEADERS]))

    def choose_id(self) -> str:
        """The id of a request with this head: the one that the client gave, or a new one."""
        return self._given_id or make_request_id()

    def values(self, name: bytes) -> list[str]:
        return [value.decode("latin-1") for key, value in self.headers if key == name]


def make_context(head: Head, connection: Connection, request_id: str) -> RequestContext:
    return RequestContext(
        headers=partial(read_headers, head.headers),
        native=partial(_make_native, head, connection),
        request_id=request_id,
    )


def _make_native(head: Head, connection: Connection) -> Any:
    from starlette.requests import Request

    request = head.request
    return Request(
        {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": head.version,
            "method": request.method,
            "scheme": request.scheme,
            "path": request.path,
            "raw_path": head.raw_path,
            "query_string": request.query,
            "root_path": "",
            "headers": list(head.headers),
            "client": connection.peer_address(),
            "server": connection.own_address(),
            "state": {},
        }
    )
