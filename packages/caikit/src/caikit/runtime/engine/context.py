"""What an operation may know about the request that it serves."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol, TypeVar

from ._request_id import choose_request_id
from .abort import AbortableIterator, call_abortable
from .cancel import CancelToken
from .model_loop import MODEL_LOOP

Parameters = ParamSpec("Parameters")
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Served:
    """The method of a model that answers a request."""

    model: type
    task: str
    method: str


class Span(Protocol):
    """What is recorded of a request that is traced."""

    @property
    def ids(self) -> tuple[str, str]:
        """Those of the trace and of the span, in hexadecimal digits."""

    def decoded(self, seconds: float) -> None:
        """The request is well-formed, which took this long; the work begins."""

    def timed(self, name: str, function: Callable[[], Result]) -> Result:
        """Call a function; what takes long gets a span of its own."""


class RequestContext:
    """State of one request. Headers, id and the native context of the transport are made when somebody asks."""

    __slots__ = (
        "_headers",
        "_make_native",
        "_native",
        "_read_headers",
        "_request_id",
        "abort_exception",
        "cancel",
        "deadline",
        "in_loop",
        "model_id",
        "omits_empty_lists",
        "on_decoded",
        "served",
        "span",
        "streaming",
    )

    def __init__(
        self,
        *,
        headers: Mapping[str, str] | Callable[[], Mapping[str, str]],
        cancel: CancelToken | None = None,
        model_id: str | None = None,
        deadline: float | None = None,
        native: Callable[[], Any] | None = None,
        request_id: str | None = None,
    ) -> None:
        self.model_id = model_id
        self.deadline = deadline
        self.cancel = cancel or CancelToken()
        self.abort_exception: type[Exception] | None = None
        self.on_decoded: Callable[[], object] | None = None
        """Called in the worker as soon as the request proved to be well-formed."""
        self.served: Served | None = None
        """What answers the request, as soon as that is known."""
        self.span: Span | None = None
        self.omits_empty_lists = False
        """The wire format of the request makes no difference between an empty list and none."""
        self.streaming = False
        """The operation has returned its stream: what fails from now on fails while items are produced."""
        self.in_loop = False
        """The event loop itself serves the request."""
        self._read_headers = headers
        self._headers: Mapping[str, str] | None = None
        self._make_native = native
        self._native: Any = None
        self._request_id = request_id

    @property
    def headers(self) -> Mapping[str, str]:
        """Metadata or HTTP headers by lower-case name; the last one wins."""
        if self._headers is None:
            self._headers = self._read_headers() if callable(self._read_headers) else self._read_headers
        return self._headers

    @property
    def native(self) -> Any:
        """The `grpc.ServicerContext` or `starlette.requests.Request` of this request, or None."""
        if self._native is None and self._make_native is not None:
            self._native = self._make_native()
        return self._native

    def close(self) -> None:
        """Nobody asks for more: what the transport lent is given back."""
        self._make_native = None

    @property
    def request_id(self) -> str:
        """The one that the client gave, if it is sound: `x-request-id`, or the trace of `traceparent`; else a new one."""
        if self._request_id is None:
            self._request_id = choose_request_id(self.headers)
        return self._request_id

    @property
    def trace_ids(self) -> tuple[str, str] | None:
        """The ids of the trace and of the span of this request, if it is traced."""
        return None if self.span is None else self.span.ids

    @property
    def time_remaining(self) -> float | None:
        """Seconds until the deadline, or None when there is none."""
        return None if self.deadline is None else self.deadline - time.monotonic()

    def call(
        self, function: Callable[Parameters, Result], /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result:
        """Call user code so that a cancelled request interrupts it.

        Code that keeps books (locks, reference counts) belongs outside of this call.
        """
        if self.abort_exception is None:
            self.cancel.raise_if_cancelled()
            return function(*args, **kwargs)
        return call_abortable(self.cancel, self.abort_exception, function, *args, **kwargs)

    def wait_for(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """In a worker: the result of a coroutine of user code, which a cancelled request cancels."""
        if self.in_loop:
            coroutine.close()
            raise RuntimeError("expected a function for RUNS_IN_LOOP, got a coroutine, which has to wait")
        return MODEL_LOOP.wait_for(coroutine, self.cancel)

    def iterate(self, items: Iterable[Item] | AsyncIterator[Item]) -> Iterator[Item]:
        """The items of user code, which a cancelled request interrupts while it makes one, as in `call`."""
        if isinstance(items, AsyncIterator):
            return MODEL_LOOP.iterate(items, self.cancel)
        if self.abort_exception is None:
            return iter(items)
        return AbortableIterator(self.cancel, self.abort_exception, items)
