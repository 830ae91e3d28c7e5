"""Requests for one model that are answered together.

No thread of its own: the first request that finds the model free leads. It takes the others that wait, serves them all
in its own worker, and the next one in line leads after it.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import alog

from caikit._exception_text import safe_repr

from .cancel import CancelToken
from .context import RequestContext
from .errors import RequestError, to_failure
from .histogram import COUNTS, Histogram
from .status import Status

log = alog.use_channel("BATCH")

Keywords = dict[str, Any]

_NOTHING: Any = object()


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How many requests may be answered together, and how long the first of them may wait for the others."""

    size: int
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class BatchMethods:
    """What is called for a batch: `run` for one request, `run_batch` with the merged arguments of several."""

    run: Callable[..., Any]
    run_batch: Callable[..., Sequence[Any]]
    merge: Callable[[Sequence[Keywords]], Keywords]


class BatchFigures:
    """What was counted about the batches of one model; read it with its lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.sizes = Histogram(COUNTS)
        self.waits = Histogram()
        """Seconds of each request between its coming and the beginning of its batch."""

    def add(self, requests: Sequence[_Request]) -> None:
        now = time.monotonic()
        with self.lock:
            self.sizes.add(len(requests))
            self.waits.add_all(now - request.came_at for request in requests)

    def include(self, other: BatchFigures) -> None:
        """Add what another model has counted."""
        with other.lock:
            self.sizes.include(other.sizes)
            self.waits.include(other.waits)


class Batch:
    """The line of requests for one model.

    A request that finds the model idle is served at once. Others wait while a batch is served. The next batch waits up
    to `delay` seconds for as many requests as there were last time, and not when a deadline would pass meanwhile.
    """

    def __init__(self, settings: BatchSettings) -> None:
        self._size = settings.size
        self._delay = settings.delay
        self._lock = threading.Lock()
        self._line: list[_Request] = []
        self._leader: _Request | None = None
        # How many requests the leader waits for; 0 when it does not wait.
        self._awaited = 0
        self._expected = 1
        self._usual_seconds = 0.0
        self._ended_at = 0.0
        self.figures = BatchFigures()

    def call(self, methods: BatchMethods, key: Hashable, context: RequestContext, keywords: Keywords) -> Any:
        """The result for one request, which shares a batch only with requests of an equal key."""
        context.cancel.raise_if_cancelled()
        request = _Request(key, context, keywords)
        remove = context.cancel.on_cancel(request.cancelled)
        try:
            if self._join(request) or self._wait(request):
                self._lead(request, methods)
            return request.outcome()
        finally:
            remove()

    def _join(self, request: _Request) -> bool:
        """Stand in line; True for the request that leads at once."""
        with self._lock:
            self._line.append(request)
            if self._leader is None:
                self._leader = request
                return True
            if self._awaited and len(self._line) >= self._awaited:
                self._awaited = 0
                self._leader.signal.put(None)
            return False

    def _wait(self, request: _Request) -> bool:
        """Wait for the result, or for the turn to lead: then True."""
        while not request.done:
            if self._leader is request:
                return True
            request.sleep(request.context.deadline)
            if not request.done:
                self._leave_if_unwanted(request)
        return False

    def _leave_if_unwanted(self, request: _Request) -> None:
        """Raise if nobody waits for the result any more; the batch goes on without the request."""
        error = request.unwanted()
        if error is None:
            return
        with self._lock:
            if request in self._line:
                self._line.remove(request)
            if self._leader is request:
                self._pass_on()
        if request.group is not None:
            request.group.leave(request)
        raise error

    # The leader

    def _lead(self, request: _Request, methods: BatchMethods) -> None:
        try:
            self._collect(request)
            group = self._take(request)
        except BaseException:
            with self._lock:
                if request in self._line:
                    self._line.remove(request)
                if self._leader is request:
                    self._pass_on()
            raise
        began = time.monotonic()
        try:
            _serve(group, methods)
        finally:
            with self._lock:
                self._ended_at = time.monotonic()
                self._usual_seconds = self._ended_at - began
                self._expected = min(self._size, len(group.requests) + len(self._line))
                self._pass_on()
            for other in group.requests:
                if other is not request and not other.done:
                    other.finish()

    def _pass_on(self) -> None:
        """The first in line leads from now on."""
        self._awaited = 0
        self._leader = self._line[0] if self._line else None
        if self._leader is not None:
            self._leader.signal.put(None)

    def _collect(self, request: _Request) -> None:
        """Wait for more requests if the model is in demand."""
        end = time.monotonic() + self._delay
        while True:
            with self._lock:
                now = time.monotonic()
                in_demand = now - self._ended_at < self._delay or self._awaited
                deadlines = [each.deadline for each in self._line if each.deadline is not None]
                # A call may take longer than the last one.
                latest = min([end, *(deadline - 2 * self._usual_seconds for deadline in deadlines)])
                if not in_demand or len(self._line) >= self._expected or now >= latest:
                    self._awaited = 0
                    return
                self._awaited = self._expected
            request.sleep(latest)
            self._leave_if_unwanted(request)
            if not self._awaited:
                return

    def _take(self, leader: _Request) -> _Group:
        """The batch: the leader and those in line that go with it."""
        with self._lock:
            group = _Group([leader])
            for other in self._line:
                if len(group.requests) >= self._size:
                    break
                if other is not leader and other.key == leader.key and other.unwanted() is None:
                    group.requests.append(other)
            taken = set(map(id, group.requests))
            self._line = [each for each in self._line if id(each) not in taken]
            group.begin()
            self.figures.add(group.requests)
        return group


class _Request:
    """One request in line, in a batch, or done."""

    __slots__ = (
        "came_at",
        "context",
        "deadline",
        "done",
        "error",
        "group",
        "key",
        "keywords",
        "result",
        "signal",
    )

    def __init__(self, key: Hashable, context: RequestContext, keywords: Keywords) -> None:
        self.key = key
        self.context = context
        self.keywords = keywords
        self.deadline = context.deadline
        self.came_at = time.monotonic()
        self.signal: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.group: _Group | None = None
        self.done = False
        self.result: Any = _NOTHING
        self.error: BaseException | None = None

    def sleep(self, until: float | None) -> None:
        """Until something happens, or until a moment has come."""
        try:
            self.signal.get(timeout=None if until is None else max(0.0, until - time.monotonic()))
        except queue.Empty:
            return

    def cancelled(self) -> None:
        """Called in any thread when the request is cancelled."""
        if self.group is not None:
            self.group.leave(self)
        self.signal.put(None)

    def unwanted(self) -> RequestError | None:
        """Why nobody waits for the result any more."""
        try:
            self.context.cancel.raise_if_cancelled()
        except RequestError as error:
            return error
        if self.deadline is not None and time.monotonic() >= self.deadline:
            return RequestError(
                Status.DEADLINE_EXCEEDED, "The deadline passed while the request waited for its batch"
            )
        return None

    def finish(self) -> None:
        self.done = True
        self.signal.put(None)

    def outcome(self) -> Any:
        if self.error is not None:
            raise self.error
        if self.result is _NOTHING:
            raise RequestError(Status.INTERNAL, "The batch of this request was not finished")
        return self.result


class _Group:
    """The requests of a batch that is being served; its work is interrupted when none of them is wanted."""

    def __init__(self, requests: list[_Request]) -> None:
        self.requests = requests
        self._wanted: set[int] = set()
        self._token = CancelToken()

    def begin(self) -> None:
        self._wanted = set(map(id, self.requests))
        for request in self.requests:
            request.group = self
        for request in self.requests:
            # It may have been cancelled before it knew its group.
            if request.context.cancel.cancelled:
                self.leave(request)

    def leave(self, request: _Request) -> None:
        self._wanted.discard(id(request))
        if not self._wanted:
            self._token.cancel()

    def call(self, function: Callable[[], Any]) -> Any:
        """Call what all requests wait for."""
        context = RequestContext(headers={}, cancel=self._token)
        context.abort_exception = self.requests[0].context.abort_exception
        return context.call(function)


def _serve(group: _Group, methods: BatchMethods) -> None:
    """Give every request its result or its error."""
    requests = group.requests
    if len(requests) > 1:
        try:
            _serve_together(group, methods)
        except BaseException as error:
            # One request can make it fail for all, be it by SystemExit.
            if any(request.unwanted() is None for request in requests):
                _tell(len(requests), error)
        else:
            return
    for request in requests:
        _serve_alone(request, methods)
        if request is not requests[0]:
            request.finish()


def _tell(count: int, error: BaseException) -> None:
    # One client's mistake is told to that client.
    mistake = to_failure(error).status is Status.INVALID_ARGUMENT
    tell = log.debug if mistake else log.warning
    tell(
        "<RUN61530301W>",
        "A batch of %d requests failed, so each of them is run alone: %s",
        count,
        safe_repr(error),
    )


def _serve_together(group: _Group, methods: BatchMethods) -> None:
    requests = group.requests
    keywords = methods.merge([request.keywords for request in requests])
    results = list(group.call(partial(methods.run_batch, **keywords)))
    if len(results) != len(requests):
        raise RuntimeError(f"expected {len(requests)} results from run_batch, got {len(results)}")
    for request, result in zip(requests, results, strict=True):
        if isinstance(result, BaseException):
            request.error = result
        else:
            request.result = result


def _serve_alone(request: _Request, methods: BatchMethods) -> None:
    # With a group, its cancellation would interrupt the work for the others.
    request.group = None
    request.error = request.unwanted()
    if request.error is not None:
        return
    try:
        request.result = request.context.call(methods.run, **request.keywords)
    except BaseException as error:
        request.error = error
