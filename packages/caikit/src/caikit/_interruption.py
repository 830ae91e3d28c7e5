"""Exceptions that are raised in another thread."""

from __future__ import annotations

import ctypes
import operator
import threading
from functools import partial
from itertools import compress, starmap

_IMPORTS = "<frozen importlib._bootstrap>"
_START = threading.Thread.start.__code__

# Not `ctypes.pythonapi` itself, whose declarations are those of everybody.
_api = ctypes.PyDLL(None, handle=ctypes.pythonapi._handle)
_get_state = _api.PyThreadState_Get
_get_state.restype = ctypes.c_void_p
# Not `sys._current_frames`: two threads that look at the same time can stop each other for ever.
_get_frame = _api.PyThreadState_GetFrame
_get_frame.argtypes, _get_frame.restype = (ctypes.c_void_p,), ctypes.py_object
_set_exception = _api.PyThreadState_SetAsyncExc


class InterruptibleThread:
    """The thread that made this object; it must not have ended when a method is called."""

    __slots__ = ("_ident", "_state")

    def __init__(self) -> None:
        self._ident = ctypes.c_ulong(threading.get_ident())
        self._state = _get_state()

    def interrupt(self, exception: type[BaseException]) -> bool:
        """Raise an exception before the next instruction, unless the thread imports a module or starts a thread.

        The lock of a module would never be released. And until Python 3.12 a new thread has the number of the one
        that starts it: the exception would hit the new one, for whose beginning the other waits.
        """
        try:
            frame = innermost = _get_frame(self._state)
            while frame is not None:
                if frame.f_code is _START or frame.f_code.co_filename == _IMPORTS:
                    return False
                frame = frame.f_back
            # The thread must still be there when the exception is set: iterators that are all written in C let no
            # other thread run between the look and the deed.
            is_there = map(partial(operator.is_, innermost), map(_get_frame, (self._state,)))
            arguments = compress([(self._ident, ctypes.py_object(exception))], is_there)
            return next(starmap(_set_exception, arguments), None) is not None
        except ValueError:
            # At the moment, it runs no Python code.
            return False

    def take_back(self) -> None:
        """Take back an exception that was not raised yet."""
        _set_exception(self._ident, None)


class _Here(threading.local):
    def __init__(self) -> None:
        self.thread = InterruptibleThread()


_here = _Here()


def this_thread() -> InterruptibleThread:
    return _here.thread
