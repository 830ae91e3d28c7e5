"""Exceptions that are raised in another thread."""

from __future__ import annotations

import ctypes
import operator
import sys
import threading
from functools import partial
from itertools import compress, starmap
from typing import Any

_IMPORTS = "<frozen importlib._bootstrap>"
_START = threading.Thread.start.__code__
_set_exception: Any = ctypes.pythonapi.PyThreadState_SetAsyncExc


def interrupt(ident: int, exception: type[BaseException]) -> bool:
    """Raise an exception before the next instruction of a thread, unless it imports a module or starts a thread.

    The lock of a module would never be released. And until Python 3.12 a new thread has the number of the one that
    starts it: the exception would hit the new one, for whose beginning the other waits.
    """
    frame = innermost = sys._current_frames().get(ident)
    while frame is not None:
        if frame.f_code is _START or frame.f_code.co_filename == _IMPORTS:
            return False
        frame = frame.f_back
    # The thread must still be there when the exception is set: iterators that are all written in C let no other
    # thread run between the look and the deed.
    looks = map(dict.get, iter(sys._current_frames, None), (ident,))
    arguments = [(ctypes.c_ulong(ident), ctypes.py_object(exception))]
    deed = starmap(_set_exception, compress(arguments, map(partial(operator.is_, innermost), looks)))
    return next(deed, None) is not None


def take_back(ident: int) -> None:
    """Take back an exception that was not raised yet."""
    _set_exception(ctypes.c_ulong(ident), None)
