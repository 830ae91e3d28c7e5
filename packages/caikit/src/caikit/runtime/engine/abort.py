"""Interrupts running user code when its request is cancelled, by an exception raised in its thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Generic, ParamSpec, TypeVar

from caikit._interruption import this_thread

from .cancel import CancelToken

Parameters = ParamSpec("Parameters")
Item = TypeVar("Item")
Result = TypeVar("Result")

_PAUSE_SECONDS = 0.005


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
    outer = _running.guard
    _running.guard = guard
    token.remember(fire)
    try:
        result = function(*args, **kwargs)
        # What is taken back in time will not fire: no lock is needed.
        if not token.forget(fire):
            guard.disarm()
        _running.guard = outer
        return result
    except BaseException:
        guard.disarm()
        _running.guard = outer
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
        outer = _running.guard
        try:
            guard.arm()
            _running.guard = guard
            if self._token.cancelled:
                # While the guard was not armed.
                self._token.raise_if_cancelled()
            item = next(self._items)
            guard.disarm()
            _running.guard = outer
            return item
        except BaseException:
            guard.disarm()
            _running.guard = outer
            raise

    def close(self) -> None:
        """End the source, if it can be ended."""
        self._remove()
        close: Any = getattr(self._items, "close", None)
        if close is not None:
            close()


class Uninterrupted:
    """Around what must not be torn apart in user code, such as a library that holds a lock for all its callers.

    The exception of an abort is raised at the end of the block; `end_early` tells what makes it end soon.
    """

    __slots__ = ("_guard",)

    def __init__(self) -> None:
        self._guard = _running.guard

    def __enter__(self) -> None:
        if self._guard is not None:
            self._guard.hold()

    def __exit__(self, *_: object) -> None:
        if self._guard is not None:
            self._guard.let_go()


def can_be_aborted() -> bool:
    """Whether this thread runs user code for a request that can be cancelled."""
    return _running.guard is not None


def end_early(end: Callable[[], object]) -> None:
    """In a block that is `Uninterrupted`: call this function when the request is cancelled, in whatever thread.

    It is called at once if that has happened, and takes the place of the one before.
    """
    if _running.guard is not None:
        _running.guard.end_early(end)


class _Guard:
    """Fires at most once, and only while armed: no exception can hit code that runs later in the thread."""

    __slots__ = ("_armed", "_end", "_exception", "_fired", "_holds", "_is_due", "_lock", "_thread")

    def __init__(self, exception: type[Exception], *, armed: bool = True) -> None:
        self._exception = exception
        self._thread = this_thread()
        self._lock = threading.Lock()
        self._armed = armed
        self._fired = False
        self._holds = 0
        self._is_due = False
        self._end: Callable[[], object] | None = None

    def arm(self) -> None:
        # In this order, so that who finds it armed finds the thread: no lock is needed.
        self._thread = this_thread()
        self._armed = True

    def fire(self) -> None:
        with self._lock:
            if not self._armed or self._fired:
                return
            self._is_due = bool(self._holds)
            self._fired = self._is_due or self._thread.interrupt(self._exception)
            fired, end = self._fired, self._end
        if not fired:
            _later.fire(self)
        elif end is not None:
            end()

    def hold(self) -> None:
        """What is fired from now on waits for `let_go`, which raises it."""
        with self._lock:
            self._holds += 1

    def let_go(self) -> None:
        with self._lock:
            self._holds -= 1
            if not self._holds:
                self._end = None
        if self._is_due:
            raise self._exception

    def end_early(self, end: Callable[[], object]) -> None:
        with self._lock:
            if not self._holds:
                return
            self._end = end
            is_due = self._is_due
        if is_due:
            end()

    def disarm(self) -> None:
        while True:
            try:
                self._armed = False
                # Who fires holds the lock before it looks whether this is armed. If nobody does by now, nobody will.
                if self._fired or self._lock.locked():
                    with self._lock:
                        if self._fired:
                            # Takes back an exception that was set but not raised yet.
                            self._thread.take_back()
                return
            except self._exception:
                # It was raised right here, after the function had ended: too late to matter.
                continue


class _Later:
    """Fires guards as soon as their threads can be interrupted. Its thread ends when there are none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._guards: list[_Guard] = []
        self._runs = False

    def fire(self, guard: _Guard) -> None:
        with self._lock:
            self._guards.append(guard)
            begins, self._runs = not self._runs, True
        if begins:
            threading.Thread(target=self._run, name="caikit_runtime_aborts", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(_PAUSE_SECONDS)
            with self._lock:
                guards, self._guards = self._guards, []
                if not guards:
                    self._runs = False
                    return
            for guard in guards:
                # One that cannot be interrupted yet comes back.
                guard.fire()


_later = _Later()


class _Running(threading.local):
    guard: _Guard | None = None
    """Of the user code that runs in this thread."""


_running = _Running()
