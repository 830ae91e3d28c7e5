"""Threads that can be stopped."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

import alog

from caikit._exception_text import safe_repr
from caikit._interruption import InterruptibleThread, this_thread

from .destroyable import Destroyable

__all__ = ["DestroyableThread", "ThreadDestroyedException"]

log = alog.use_channel("DESTROY-THRD")

# Imports of large libraries take long.
_PATIENCE_SECONDS = 10.0
_PAUSE_SECONDS = 0.005


class ThreadDestroyedException(RuntimeError):  # noqa: N818 - a documented name
    """Raised inside a thread by its `destroy`."""

    def __init__(self) -> None:
        super().__init__(
            "The work thread was destroyed by its lifecycle manager; "
            "this exception does not come from the code that runs in the thread"
        )


class DestroyableThread(threading.Thread, Destroyable):
    """Runs a function in a thread; `destroy` raises ThreadDestroyedException in it.

    The exception appears at the next instruction of Python code, so a blocking call is finished first. Code in
    the thread can catch it to clean up. Whoever has a thread already calls `run` there instead of `start`.
    """

    def __init__(
        self,
        runnable_func: Callable[..., Any],
        *runnable_args: Any,
        work_done_event: threading.Event | None = None,
        **runnable_kwargs: Any,
    ) -> None:
        super().__init__()
        self.runnable_func = runnable_func
        self.runnable_args = runnable_args
        self.runnable_kwargs = runnable_kwargs
        self.work_done_event = work_done_event or threading.Event()
        self._phase = threading.Lock()
        self._interruptible_in: InterruptibleThread | None = None
        self._done = False
        self._ran = False
        self._destroyed = False
        self._canceled = False
        self._result: Any = None
        self._raised: BaseException | None = None

    @property
    def destroyed(self) -> bool:
        return self._destroyed

    @property
    def canceled(self) -> bool:
        return self._canceled

    @property
    def ran(self) -> bool:
        return self._ran

    @property
    def threw(self) -> bool:
        return self._ran and self._raised is not None

    @property
    def error(self) -> Exception | None:
        return self._raised if self._ran and isinstance(self._raised, Exception) else None

    def destroy(self) -> None:
        with self._phase:
            self._destroyed = True
            self._canceled = self._canceled or not self._done
            if self._interruptible_in is not None:
                end = time.monotonic() + _PATIENCE_SECONDS
                while not self._interruptible_in.interrupt(ThreadDestroyedException):
                    if time.monotonic() > end:
                        log.warning("<COR26183105W>", "%s cannot be destroyed while it imports", self.name)
                        return
                    time.sleep(_PAUSE_SECONDS)

    def get_or_throw(self) -> Any:
        if not self._ran:
            log.error("<COR26183104E>", f"The thread {self.name} has not finished, there is no result")
            return None
        if self._raised is not None:
            raise self._raised
        return self._result

    def run(self) -> None:
        try:
            self._enter()
            try:
                try:
                    self._result = self.runnable_func(*self.runnable_args, **self.runnable_kwargs)
                finally:
                    self._leave()
            except BaseException as raised:
                self._raised = raised
            # once more, because the interruption may have come in the middle of the first one
            self._leave()
            self._ran = True
            self._report()
        finally:
            self.work_done_event.set()

    def _enter(self) -> None:
        with self._phase:
            if self._destroyed:
                raise ThreadDestroyedException
            self._interruptible_in = this_thread()

    def _leave(self) -> None:
        """From here on `destroy` leaves the thread alone, and an exception on its way is called back."""
        with self._phase:
            if self._interruptible_in is not None:
                self._interruptible_in = None
                this_thread().take_back()
            self._done = True

    def _report(self) -> None:
        if self._raised is None:
            return
        stack_trace = "".join(traceback.format_exception(self._raised))
        if isinstance(self._raised, ThreadDestroyedException):
            message = f"The thread {self.name} was destroyed"
            log.info({"log_code": "<COR15827563I>", "message": message, "stack_trace": stack_trace})
        else:
            message = f"The thread {self.name} raised {safe_repr(self._raised)}"
            log.warning({"log_code": "<COR16788843W>", "message": message, "stack_trace": stack_trace})
