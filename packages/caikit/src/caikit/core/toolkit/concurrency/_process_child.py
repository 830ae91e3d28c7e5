"""The child's side of a process: runs the work and sends what came of it."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import alog

from caikit._exception_text import safe_repr

from .pickling_exception import ExceptionPickler

__all__ = ["Outcome", "Work", "read_outcome", "run_and_send"]

log = alog.use_channel("DESTROY-PROC")

# between SIGTERM, which the work may handle, and the end
_FAREWELL_SECONDS = 10


@dataclass(frozen=True)
class Outcome:
    """What the work returned or raised."""

    result: Any = None
    error: Exception | None = None


@dataclass(frozen=True)
class Work:
    """A call to be made."""

    function: Callable[..., Any] | None
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    return_result: bool
    ends_with_parent: bool = True

    def __call__(self) -> Any:
        result = None if self.function is None else self.function(*self.args, **self.kwargs)
        return result if self.return_result else None


def run_and_send(work: Work, sender: Connection) -> None:
    """Do the work and send its outcome; the process ends with exit code 1 if it failed."""
    _behave_like_a_child(work.ends_with_parent)
    try:
        outcome = pickle.dumps(Outcome(result=work()))
        failed = False
    except Exception as failure:
        message = f"Caught exception in destroyable process: {safe_repr(failure)}"
        log.error("<COR69863806E>", message, exc_info=True)
        outcome = pickle.dumps(ExceptionPickler(failure))
        failed = True
    with sender, contextlib.suppress(BrokenPipeError):
        sender.send_bytes(outcome)
    if failed:
        sys.exit(1)


def read_outcome(receiver: Connection) -> Outcome | None:
    """The outcome that the child sent, None if it ended without."""
    try:
        data = receiver.recv_bytes()
    except (EOFError, OSError):
        return None
    try:
        value = pickle.loads(data)  # noqa: S301 - our own child made it
    except Exception as failure:
        return Outcome(error=failure)
    if isinstance(value, ExceptionPickler):
        return Outcome(error=value.get())
    return Outcome(result=value.result)


def _behave_like_a_child(ends_with_parent: bool) -> None:
    # A forked child must neither run its parent's clean-up when it is terminated, nor wake its parent's event loop
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    for stream in (sys.stdout, sys.stderr):
        # lines that were printed before a process is killed are not lost
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    parent = multiprocessing.parent_process()
    if parent is not None and ends_with_parent:
        threading.Thread(target=_end_with, args=(parent,), name="end with parent", daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    """Nobody takes the outcome once the parent has gone, even if it was killed."""
    connection.wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_FAREWELL_SECONDS)
    os._exit(1)
