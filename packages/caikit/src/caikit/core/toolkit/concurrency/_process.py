"""The parent's side of a process, and the thread that waits for the outcome."""

from __future__ import annotations

import multiprocessing
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import connection
from multiprocessing.context import BaseContext, SpawnProcess
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

import alog

from ...exceptions import error_handler
from ._process_child import Outcome, Work, read_outcome, run_and_send
from .destroyable import Destroyable

__all__ = ["FORKSERVER_CTX", "FORK_CTX", "OOM_EXIT_CODES", "SPAWN_CTX", "DestroyableProcess"]

log = alog.use_channel("DESTROY-PROC")
error = error_handler.get(log)

OOM_EXIT_CODES = (137, 9, -9)
"""Exit codes that are taken for a lack of memory: SIGKILL, as processes, shells and containers report it."""

_TICK_SECONDS = 0.5

# One start at a time, so that no other child of ours inherits the sending end of the pipe
_start_lock = threading.Lock()


def _context(start_method: str) -> Any:
    if start_method not in multiprocessing.get_all_start_methods():
        return None
    return multiprocessing.get_context(start_method)


FORK_CTX = _context("fork")
"""The `multiprocessing` context of forked processes, for their events and queues; None where there is none."""
SPAWN_CTX = _context("spawn")
"""The context for spawned processes."""
FORKSERVER_CTX = _context("forkserver")
"""The context for processes of the fork server; None where there is none."""


class CompletionEvent(Protocol):
    """What the events of threading and multiprocessing have in common."""

    def set(self) -> None: ...
    def is_set(self) -> bool: ...
    def wait(self, timeout: float | None = None) -> bool: ...


@dataclass
class _ParentSide:
    """What the child never sees."""

    context: BaseContext
    completion_event: CompletionEvent
    grace_seconds: float
    description: str
    started: bool = False
    destroyed: bool = False
    canceled: bool = False
    outcome: Outcome | None = None
    error: Exception | None = None
    receiver: Any = None
    watcher: threading.Thread | None = None
    life_cycle: threading.Lock = field(default_factory=threading.Lock)
    # two threads that wait for one process at the same time would miss its exit code
    waiting: threading.Lock = field(default_factory=threading.Lock)


class _ProcessBase(BaseProcess, Destroyable):
    """Runs a function in a process.

    A thread in the parent takes the outcome from the child and sets the completion event, however the child
    ended. Nothing but the function and its arguments goes to the child.
    """

    def __init__(
        self,
        context: BaseContext,
        target: Callable[..., Any] | None = None,
        completion_event: CompletionEvent | None = None,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        destroy_grace_period: float = 10,
        return_result: bool = False,
        description: str = "Process",
        ends_with_parent: bool = True,
        **process_kwargs: Any,
    ) -> None:
        super().__init__(**process_kwargs)
        self._work: Work | None = Work(target, args or (), kwargs or {}, return_result, ends_with_parent)
        self._sender: Any = None
        event = completion_event or context.Event()
        self._parent = _ParentSide(context, event, destroy_grace_period, description)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_parent"}

    @property
    def completion_event(self) -> CompletionEvent:
        return self._parent.completion_event

    @property
    def destroyed(self) -> bool:
        return self._parent.destroyed

    @property
    def canceled(self) -> bool:
        outcome = self._parent.outcome
        return self._parent.canceled and (outcome is None or outcome.error is not None)

    @property
    def ran(self) -> bool:
        return self._is_over()

    @property
    def threw(self) -> bool:
        return self.error is not None

    @property
    def error(self) -> Exception | None:
        parent = self._parent
        if parent.error is None and self._is_over() and not self.canceled:
            parent.error = self._find_error()
        return parent.error

    @property
    def exitcode(self) -> int | None:
        with self._parent.waiting:
            return super().exitcode

    def is_alive(self) -> bool:
        with self._parent.waiting:
            return super().is_alive()

    def start(self) -> None:
        parent = self._parent
        with parent.life_cycle:
            if parent.destroyed:
                parent.error = RuntimeError("Not starting work on pre-canceled process")
                parent.completion_event.set()
                return
            with _start_lock:
                parent.receiver, self._sender = parent.context.Pipe(duplex=False)
                try:
                    super().start()
                except BaseException:
                    parent.receiver.close()
                    raise
                finally:
                    self._sender.close()
            self._work = self._sender = None
            parent.started = True
            parent.watcher = threading.Thread(target=self._watch, name=f"watch {self.name}", daemon=True)
            parent.watcher.start()

    def run(self) -> None:
        parent = vars(self).get("_parent")
        if parent is not None:
            # inherited by fork: while the child held it too, it would not notice that its parent has gone
            parent.receiver.close()
            _start_lock.release()  # taken by the thread that forked, of which this one is the copy
        if self._work is not None:
            run_and_send(self._work, self._sender)

    def join(self, timeout: float | None = None) -> None:
        parent = self._parent
        if not parent.started and parent.destroyed:
            return
        deadline = None if timeout is None else time.monotonic() + timeout
        if parent.started and not self._wait_for_end(deadline):
            return
        super().join()
        if parent.watcher is not None:
            parent.watcher.join(None if deadline is None else max(0.0, deadline - time.monotonic()))

    def destroy(self) -> None:
        parent = self._parent
        with parent.life_cycle:
            if not parent.destroyed:
                parent.canceled = not self._is_over()
                parent.destroyed = True
        if self.is_alive():
            self.terminate()
            self.join(parent.grace_seconds)
        if self.is_alive():
            self.kill()
        self.join()
        parent.completion_event.set()

    def get_or_throw(self) -> Any:
        failure = self.error
        if failure is not None:
            raise failure
        if not self._is_over():
            log.error("<COR60314172E>", f"The process {self.name} has not finished, there is no result")
            return None
        return self._parent.outcome.result if self._parent.outcome is not None else None

    def _is_over(self) -> bool:
        parent = self._parent
        if parent.outcome is not None:
            return True
        if parent.watcher is None or self.is_alive():
            return False
        # the process has ended, the outcome may still be in the pipe
        parent.watcher.join()
        return True

    def _find_error(self) -> Exception | None:
        if self._parent.outcome is not None:
            return self._parent.outcome.error
        code = self.exitcode
        if code in OOM_EXIT_CODES:
            return MemoryError(f"{self._parent.description} died with OOM error!")
        return RuntimeError(f"{self._parent.description} died with exit code {code}") if code else None

    def _watch(self) -> None:
        parent = self._parent
        with parent.receiver as receiver:
            while receiver not in connection.wait([receiver, self.sentinel], _TICK_SECONDS):
                if not self.is_alive() and not receiver.poll():
                    break
            else:
                parent.outcome = read_outcome(receiver)
        if parent.outcome is None:
            self._wait_for_end(None)
        parent.completion_event.set()

    def _wait_for_end(self, deadline: float | None) -> bool:
        # The sentinel alone is not enough: it is released shortly before the exit code is there, and a
        # grandchild can hold it longer than the child lives.
        pause = 0.001
        while self.is_alive():
            remaining = _TICK_SECONDS if deadline is None else deadline - time.monotonic()
            if remaining <= 0:
                return False
            if connection.wait([self.sentinel], min(remaining, _TICK_SECONDS)):
                time.sleep(pause)
                pause = min(2 * pause, _TICK_SECONDS)
        return True


class _SpawnProcess(_ProcessBase, SpawnProcess):
    pass


_CLASSES: dict[str, tuple[BaseContext, type[_ProcessBase]]] = {"spawn": (SPAWN_CTX, _SpawnProcess)}

if sys.platform != "win32":
    from multiprocessing.context import ForkProcess, ForkServerProcess

    class _ForkProcess(_ProcessBase, ForkProcess):
        pass

    class _ForkServerProcess(_ProcessBase, ForkServerProcess):
        pass

    _CLASSES["fork"] = (FORK_CTX, _ForkProcess)
    _CLASSES["forkserver"] = (FORKSERVER_CTX, _ForkServerProcess)


def DestroyableProcess(start_method: str, *args: Any, **kwargs: Any) -> _ProcessBase:  # noqa: N802 - a documented name
    """A process that can be stopped, not started yet.

    `start_method` is "spawn", "forkserver" or "fork"; a fork of a program with threads can hang, so servers use
    one of the other two. Then follow `target=None, completion_event=None, args=None, kwargs=None,
    destroy_grace_period=10` (seconds between SIGTERM and SIGKILL), `return_result=False` (whether `get_or_throw`
    has the result, which must then be picklable), `description="Process"` (the word for it in errors),
    `ends_with_parent=True` (whether it is stopped when its parent is killed) and the keywords of
    `multiprocessing.Process`. A `completion_event` must come from the context of the start method.

    It is a process of `multiprocessing` and a `Destroyable`. The event is set however the process ends. An end
    without a result is a MemoryError if the exit code is one of `OOM_EXIT_CODES`, else a RuntimeError with the
    exit code; after `destroy` there is no error.
    """
    supported = multiprocessing.get_all_start_methods()
    if start_method not in supported:
        message = (
            f"Unsupported start_method on {sys.platform}: {start_method}. Supported options are {supported}"
        )
        error("<COR16699811E>", ValueError(f"value check failed: {message}"))
    context, process_class = _CLASSES[start_method]
    return process_class(context, *args, **kwargs)
