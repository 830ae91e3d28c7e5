"""The event loop of models whose methods are coroutines."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

import alog

from .cancel import CancelToken
from .errors import RequestError
from .status import Status

log = alog.use_channel("MODEL-LOOP")

Result = TypeVar("Result")
Item = TypeVar("Item")

_END: Any = object()
_JOIN_SECONDS = 2.0


class ModelLoop:
    """One for the process: what models keep between their calls, such as sessions, belongs to one event loop.

    It has a thread of its own, so a coroutine that blocks delays other coroutines, but nothing else.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._holders = 0

    def hold(self) -> None:
        """Somebody may need the loop, which starts with the first call; every `hold` needs a `release`."""
        with self._lock:
            self._holders += 1

    def release(self) -> None:
        """The last one ends the loop."""
        with self._lock:
            self._holders -= 1
            if self._holders or self._loop is None:
                return
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        loop.call_soon_threadsafe(loop.stop)
        if thread is not None and thread is not threading.current_thread():
            thread.join(_JOIN_SECONDS)

    def wait_for(self, coroutine: Coroutine[Any, Any, Result], token: CancelToken) -> Result:
        """In a worker: the result of a coroutine, which is cancelled with the request. Returns when it has ended."""
        outcome: Future[Result] = Future()
        run = _Run(coroutine, outcome)
        loop = self._get_loop()
        context = contextvars.copy_context()
        loop.call_soon_threadsafe(context.run, run.start, loop)

        def cancel() -> None:
            loop.call_soon_threadsafe(run.cancel)

        token.remember(cancel)
        try:
            return outcome.result()
        except asyncio.CancelledError:
            token.raise_if_cancelled()
            raise RequestError(Status.CANCELLED, "The model has cancelled its own work") from None
        finally:
            token.forget(cancel)

    def iterate(self, items: AsyncIterator[Item], token: CancelToken) -> Iterator[Item]:
        """In a worker: the items of an asynchronous iterator."""
        try:
            while (item := self.wait_for(_next(items), token)) is not _END:
                yield item
        finally:
            close = getattr(items, "aclose", None)
            if close is not None:
                self.wait_for(_call(close), CancelToken())

    def _get_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                # Daemon: a coroutine that blocks must not keep the process alive.
                self._thread = threading.Thread(
                    target=_turn, args=(self._loop,), name="caikit_models", daemon=True
                )
                self._thread.start()
            return self._loop


MODEL_LOOP = ModelLoop()


class _Run:
    """One coroutine in the loop."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], outcome: Future[Any]) -> None:
        self._coroutine = coroutine
        self._outcome = outcome
        self._task: asyncio.Task[Any] | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._task = loop.create_task(self._coroutine)
        self._task.add_done_callback(self._tell)

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _tell(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            self._outcome.set_exception(asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            self._outcome.set_exception(error)
        else:
            self._outcome.set_result(task.result())


async def _next(items: AsyncIterator[Any]) -> Any:
    return await anext(items, _END)


async def _call(function: Any) -> None:
    await function()


def _turn(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    while True:
        try:
            loop.run_forever()
            break
        except BaseException as error:
            # What would end the main thread must not end what other requests need.
            log.error("<RUN61530302E>", "A model has tried to end the event loop: %r", error, exc_info=True)
    loop.run_until_complete(_end_tasks())
    loop.close()


async def _end_tasks() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_JOIN_SECONDS)
    await asyncio.get_running_loop().shutdown_asyncgens()
