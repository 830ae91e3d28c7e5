"""The log of one job in a file of its own."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from datetime import datetime
from typing import TextIO

import alog

log = alog.use_channel("JOBLOG")

_LINE = "%(asctime)s %(levelname)s [%(name)s] %(message)s"


def write_line(path: str | None, text: str) -> None:
    """Add a line to a job's log; a log that cannot be written does not stop the job."""
    if path is not None:
        with contextlib.suppress(OSError), open(path, "a", encoding="utf-8", errors="replace") as file:
            file.write(f"{datetime.now().isoformat(sep=' ', timespec='milliseconds')} {text}\n")


def write_error(path: str | None, problem: BaseException) -> None:
    if path is not None:
        write_line(path, "".join(traceback.format_exception(problem)).rstrip())


@contextlib.contextmanager
def thread_logs_to(path: str | None) -> Iterator[None]:
    """What this thread logs goes to the file, too."""
    handler = _open_handler(path)
    if handler is None:
        yield
        return
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        with contextlib.suppress(OSError):
            handler.close()


def process_logs_to(path: str | None) -> None:
    """From now on all that this process prints goes to the file, also what native code prints."""
    if path is None:
        return
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError as problem:
        _complain(path, problem)
        return
    for name, number in (("stdout", 1), ("stderr", 2)):
        with contextlib.suppress(OSError, ValueError):
            getattr(sys, name).flush()
        os.dup2(file, number)
        # what stands here may have been replaced by the program
        setattr(sys, name, _stream_to(number))
    os.close(file)


def _stream_to(number: int) -> TextIO:
    return open(number, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)


class _LineFormatter(logging.Formatter):
    """One line of text for records of alog, too, whose message is a dictionary."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - overridden
        message = record.msg
        if isinstance(message, dict) and "message" in message:
            code, arguments = message.get("log_code"), message.get("args")
            text = str(message["message"])
            with contextlib.suppress(TypeError, ValueError):
                text = text % tuple(arguments) if arguments else text
            record.message = f"{code} {text}" if code else text
        return super().formatMessage(record)


class _JobHandler(logging.FileHandler):
    def __init__(self, path: str) -> None:
        super().__init__(path, encoding="utf-8", errors="replace")
        self.setFormatter(_LineFormatter(_LINE))
        self._thread = threading.get_ident()
        self.addFilter(lambda record: record.thread == self._thread)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - overridden
        """A full disk must not fill the error output as well."""


def _open_handler(path: str | None) -> logging.Handler | None:
    try:
        return None if path is None else _JobHandler(path)
    except OSError as problem:
        _complain(path, problem)
        return None


def _complain(path: str | None, problem: OSError) -> None:
    log.warning("<COR46127301W>", "The log of a job cannot be written to %s: %s", path, problem)
