"""The event loop of models whose methods are coroutines."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

import alog

from caikit._exception_text import safe_repr

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
        self._turning: _Turning | None = None
        self._holders = 0

    def hold(self) -> None:
        """Somebody may need the loop, which starts with the first call; every `hold` needs a `release`."""
        with self._lock:
            self._holders += 1

    def release(self) -> None:
        """The last one ends the loop."""
        with self._lock:
            self._holders -= 1
            if self._holders or self._turning is None:
                return
            turning, self._turning = self._turning, None
        turning.end()

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
            if self._turning is None:
                self._turning = _Turning()
            return self._turning.loop


MODEL_LOOP = ModelLoop()


class _Turning:
    """The loop in its thread, until it is ended here: models cannot end what others need."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._ended = False
        # Daemon: a coroutine that blocks must not keep the process alive.
        self._thread = threading.Thread(target=self._turn, name="caikit_models", daemon=True)
        self._thread.start()

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self._stop)
        if self._thread is not threading.current_thread():
            self._thread.join(_JOIN_SECONDS)

    def _stop(self) -> None:
        """In the loop."""
        self._ended = True
        self.loop.stop()

    def _turn(self) -> None:
        asyncio.set_event_loop(self.loop)
        while not self._ended:
            try:
                self.loop.run_forever()
                if not self._ended:
                    log.error("<RUN61530302E>", "A model has tried to end the event loop: it has stopped it")
            except BaseException as error:
                # What would end the main thread must not end what other requests need.
                log.error(
                    "<RUN61530302E>",
                    "A model has tried to end the event loop: %s",
                    safe_repr(error),
                    exc_info=True,
                )
        self.loop.run_until_complete(_end_tasks())
        self.loop.close()


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


async def _end_tasks() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_JOIN_SECONDS)
    await asyncio.get_running_loop().shutdown_asyncgens()
