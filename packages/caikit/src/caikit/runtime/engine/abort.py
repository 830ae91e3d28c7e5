"""Interrupts running user code when its request is cancelled, by an exception raised in its thread."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterable
from typing import Any, Generic, ParamSpec, TypeVar

from .cancel import CancelToken

Parameters = ParamSpec("Parameters")
Item = TypeVar("Item")
Result = TypeVar("Result")


def call_abortable(
    token: CancelToken,
    exception: type[Exception],
    function: Callable[Parameters, Result],
    /,
    *args: Parameters.args,
    **kwargs: Parameters.kwargs,
) -> Result:
    """Call a function; when the token is cancelled meanwhile, raise the exception inside of it."""
    token.raise_if_cancelled()
    guard = _Guard(exception)
    fire = guard.fire
    token.remember(fire)
    try:
        result = function(*args, **kwargs)
        # What is taken back in time will not fire: no lock is needed.
        if not token.forget(fire):
            guard.disarm()
        return result
    except BaseException:
        guard.disarm()
        token.forget(fire)
        raise


class AbortableIterator(Generic[Item]):
    """The items of an iterable; when the token is cancelled while one is made, the exception is raised there."""

    __slots__ = ("_guard", "_items", "_remove", "_token")

    def __init__(self, token: CancelToken, exception: type[Exception], items: Iterable[Item]) -> None:
        self._items = iter(items)
        self._token = token
        self._guard = _Guard(exception, armed=False)
        self._remove = token.on_cancel(self._guard.fire)

    def __iter__(self) -> AbortableIterator[Item]:
        return self

    def __next__(self) -> Item:
        guard = self._guard
        try:
            guard.arm()
            # The token may have been cancelled while the guard was not armed.
            self._token.raise_if_cancelled()
            item = next(self._items)
            guard.disarm()
            return item
        except BaseException:
            guard.disarm()
            raise

    def close(self) -> None:
        """End the source, if it can be ended."""
        self._remove()
        close: Any = getattr(self._items, "close", None)
        if close is not None:
            close()


class _Guard:
    """Fires at most once, and only while armed: no exception can hit code that runs later in the thread."""

    __slots__ = ("_armed", "_exception", "_fired", "_lock", "_thread_id")

    def __init__(self, exception: type[Exception], *, armed: bool = True) -> None:
        self._exception = exception
        self._thread_id = threading.get_ident()
        self._lock = threading.Lock()
        self._armed = armed
        self._fired = False

    def arm(self) -> None:
        with self._lock:
            self._thread_id = threading.get_ident()
            self._armed = True

    def fire(self) -> None:
        with self._lock:
            if self._armed and not self._fired:
                self._fired = True
                self._raise_in_thread(ctypes.py_object(self._exception))

    def disarm(self) -> None:
        while True:
            try:
                with self._lock:
                    self._armed = False
                    if self._fired:
                        # Takes back an exception that was set but not raised yet.
                        self._raise_in_thread(None)
                return
            except self._exception:
                # It was raised right here, after the function had ended: too late to matter.
                continue

    def _raise_in_thread(self, exception: ctypes.py_object[type[Exception]] | None) -> None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread_id), exception)
