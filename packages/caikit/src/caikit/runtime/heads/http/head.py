"""The routes of the HTTP head."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any

from caikit.runtime.engine import (
    Body,
    Engine,
    Observation,
    Operation,
    Reason,
    RequestContext,
    RequestError,
    Status,
)
from caikit.runtime.engine.guard import Guard
from caikit.runtime.names import HEALTH_ENDPOINT
from caikit.runtime.security import Access, Authoriser, Scope
from caikit.runtime.transport.http_messages import (
    HeaderList,
    HttpAnswer,
    HttpEndpoint,
    HttpRequest,
    SocketClose,
    SocketEndpoint,
)

from ._answers import HTTP_STATUS, answer_status, detail_answer, last_words, refusal_answer
from ._endpoints import OperationEndpoint
from ._lines import LinesEndpoint
from ._pages import document_page, json_page
from ._sse import error_frame, ping_frame
from .openapi import build_openapi

__all__ = ["PROBE_PATHS", "HttpHead"]

_LIVE = "/livez"
_READY = "/readyz"
PROBE_PATHS = (HEALTH_ENDPOINT, _LIVE, _READY)

_TEXT_HEADERS: HeaderList = [(b"content-type", b"text/plain; charset=utf-8")]


class HttpHead:
    """All paths and methods that are served, and the answers for those that are not."""

    def __init__(
        self,
        engine: Engine,
        operations: Iterable[Operation],
        *,
        title: str,
        version: str,
        description: str,
        find_obstacle: Callable[[], str | None] = lambda: None,
        authoriser: Authoriser | None = None,
        stream_error_status: bool = False,
    ) -> None:
        """`find_obstacle` tells in a few words why a server that answers is not ready for requests yet.

        `stream_error_status`: a stream that fails before its first item has the status of its failure, not 200.
        """
        self._stream_error_status = stream_error_status
        self._engine = engine
        self._authoriser = authoriser or Authoriser()
        self._find_obstacle = find_obstacle
        self._operations = tuple(operation for operation in operations if operation.http is not None)
        self._title = title
        self._version = version
        self._description = description
        self._document: dict[str, Any] | None = None
        self.endpoints: Mapping[tuple[str, str], HttpEndpoint] = self._make_endpoints()
        self.sockets: Mapping[str, SocketEndpoint] = {
            path: endpoint
            for (_, path), endpoint in self.endpoints.items()
            if isinstance(endpoint, LinesEndpoint)
        }
        self._methods: dict[str, list[str]] = {}
        for method, path in self.endpoints:
            self._methods.setdefault(path, []).append(method)

    def missing(self, request: HttpRequest) -> HttpAnswer:
        methods = self._methods.get(request.path)
        if methods is not None and request.method in methods:
            return detail_answer(400, "This path takes no WebSocket")
        if methods is not None:
            self._note_unknown(Status.UNIMPLEMENTED)
            return detail_answer(405, "Method Not Allowed", [(b"allow", ", ".join(sorted(methods)).encode())])
        bare = request.path.rstrip("/")
        if bare != request.path and bare in self._methods:
            return HttpAnswer(307, b"", [(b"location", _locate(request, bare))])
        self._note_unknown(Status.NOT_FOUND)
        return detail_answer(404, "Not Found")

    def _note_unknown(self, status: Status) -> None:
        self._engine.gate.note(RequestError(status, "Not Found", reason=Reason.UNKNOWN_METHOD))

    def answer_status(self, observation: Observation) -> int:
        """The HTTP status of the answer to a request that was served."""
        return answer_status(observation, stream_error_status=self._stream_error_status)

    def refuse(self, error: RequestError, http_status: int | None = None) -> HttpAnswer:
        self._engine.gate.note(error)
        return refusal_answer(error, http_status)

    def refuse_stream(self, error: RequestError) -> bytes:
        return error_frame(HTTP_STATUS[error.status], error.message, error.id)

    def refuse_socket(self, error: RequestError) -> tuple[bytes, SocketClose]:
        self._engine.gate.note(error)
        return last_words(refusal_answer(error))

    def keep_alive(self) -> bytes:
        return ping_frame()

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document of the routes."""
        if self._document is None:
            self._document = build_openapi(
                self._operations,
                title=self._title,
                version=self._version,
                description=self._description,
                authoriser=self._authoriser,
            )
        return self._document

    def _make_endpoints(self) -> dict[tuple[str, str], HttpEndpoint]:
        endpoints: dict[tuple[str, str], HttpEndpoint] = {
            ("GET", HEALTH_ENDPOINT): _Constant(self._health),
            ("GET", _LIVE): _Constant(lambda: HttpAnswer(200, b"OK", _TEXT_HEADERS)),
            ("GET", _READY): _Constant(self._readiness),
            **self._make_pages(),
        }
        for operation in self._operations:
            if operation.http is not None:
                make = LinesEndpoint if operation.shape.input_streaming else OperationEndpoint
                endpoints[operation.http.method, operation.http.path] = make(
                    self._engine,
                    operation,
                    operation.http,
                    self._authoriser.guard(operation),
                    stream_error_status=self._stream_error_status,
                )
        return endpoints

    def _make_pages(self) -> dict[tuple[str, str], HttpEndpoint]:
        if self._authoriser.access(Scope.INTERFACES) is Access.CLOSED:
            return {}
        guard = self._authoriser.guard_scope(Scope.INTERFACES, "the OpenAPI document")
        page = _Page(lambda: document_page(self.openapi()), guard)
        return {
            ("GET", "/openapi.json"): _Page(lambda: json_page(self.openapi()), guard),
            ("GET", "/docs"): page,
            ("GET", "/redoc"): page,
        }

    def _health(self) -> HttpAnswer:
        if self._engine.gate.draining:
            return HttpAnswer(503, b"Shutting down", _TEXT_HEADERS)
        return HttpAnswer(200, b"OK", _TEXT_HEADERS)

    def _readiness(self) -> HttpAnswer:
        obstacle = self._find_obstacle()
        return self._health() if obstacle is None else HttpAnswer(503, obstacle.encode(), _TEXT_HEADERS)


class _Page:
    """An answer that is made in a worker."""

    streaming = takes_lines = False
    loop_runs = None
    stream_headers: HeaderList = []

    def __init__(self, make: Callable[[], HttpAnswer], guard: Guard | None = None) -> None:
        self._make = make
        self.guard = guard

    def accept(self, request: HttpRequest) -> HttpAnswer | None:
        return None

    def answer(self, context: RequestContext, request: HttpRequest, body: Body) -> HttpAnswer:
        return self._make()

    def stream(
        self, context: RequestContext, request: HttpRequest, body: Body
    ) -> Generator[bytes | HttpAnswer, None, None]:
        yield self._make()


class _Constant(_Page):
    """An answer that costs nothing, so it needs no worker."""

    def accept(self, request: HttpRequest) -> HttpAnswer:
        return self._make()


def _locate(request: HttpRequest, path: str) -> bytes:
    location = path.encode("latin-1", "replace")
    if request.host:
        location = b"%b://%b%b" % (request.scheme.encode("latin-1", "replace"), request.host, location)
    return location + (b"?" + request.query if request.query else b"")
