"""What a program says when it cannot start."""

from __future__ import annotations

import contextlib
import logging
import sys
import traceback
from collections.abc import Iterator

import alog

from caikit._exception_text import safe_str

__all__ = ["describe", "told_in_one_sentence", "told_reason"]

log = alog.use_channel("RUNTIME-MAIN")

# Exceptions whose text says all: what was found, where, and the setting that changes it.
_SPEAKING = (OSError, ValueError, RuntimeError)
_INTERRUPTED = 130


@contextlib.contextmanager
def told_in_one_sentence() -> Iterator[None]:
    """End the program with a line of the log and exit code 1 if what it does fails; the debug level shows more."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except Exception as error:
        if not logging.getLogger().handlers:
            # The settings of the log may be what is wrong.
            alog.configure("info", formatter="json")
        log.error("<RUN61240122E>", "The server cannot be started: %s", told_reason(error))
        log.debug("<RUN61240123D>", "This is how it came", exc_info=error)
        sys.exit(1)


def told_reason(error: Exception) -> str:
    """The text of an exception that says all; else its type and origin, too."""
    return (isinstance(error, _SPEAKING) and str(error)) or describe(error)


def describe(error: Exception, *, without: str = __file__) -> str:
    """Type, text and origin of an exception; frames of the file `without` are not where it came from."""
    sentence = f"{type(error).__name__}: {safe_str(error)}"
    if isinstance(error, SyntaxError):
        return sentence
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen ") and frame.filename not in (without, __file__)
    ]
    return f"{sentence} ({frames[-1].filename}, line {frames[-1].lineno})" if frames else sentence
