"""Marks functions and classes that may still change."""

from __future__ import annotations

import contextlib
import contextvars
import enum
import functools
from collections.abc import Callable, Iterator
from typing import Any

import alog

from ..exceptions import error_handler

__all__ = [
    "Action",
    "TempDisableWIP",
    "WipCategory",
    "disable_wip",
    "enable_wip",
    "message_format",
    "work_in_progress",
]

log = alog.use_channel("WIPDC")
error = error_handler.get(log)

message_format = "{} is still in the {} phase and subject to change!"
"""What is logged or raised; filled with the function or class and the name of the category."""

# read at every use, also assigned from outside
_ENABLE_DECORATOR = True

_suspended = contextvars.ContextVar("caikit_wip_suspended", default=False)


class WipCategory(enum.Enum):
    """How far the work is; the name is part of the message."""

    WIP = 1
    BETA = 2


class Action(enum.Enum):
    """What happens at each use."""

    ERROR = 1
    WARNING = 2


def disable_wip() -> None:
    """Say nothing, in the whole process."""
    global _ENABLE_DECORATOR
    _ENABLE_DECORATOR = False


def enable_wip() -> None:
    """Take `disable_wip` back."""
    global _ENABLE_DECORATOR
    _ENABLE_DECORATOR = True


@contextlib.contextmanager
def TempDisableWIP() -> Iterator[None]:  # noqa: N802 - a documented name
    """Say nothing in this context; others are not affected."""
    token = _suspended.set(True)
    try:
        yield
    finally:
        _suspended.reset(token)


def work_in_progress(*args: Any, **kwargs: Any) -> Any:
    """Decorator, bare or with `category=` and `action=`, for functions and classes.

    Each call, or each new instance, logs a warning (`Action.WARNING`) or raises RuntimeError (`Action.ERROR`).
    """
    category = kwargs.get("category", WipCategory.WIP)
    action = kwargs.get("action", Action.WARNING)
    error.type_check("<TRU92076783E>", WipCategory, category=category)
    error.type_check("<TRU87572165E>", Action, action=action)
    if not args:
        return lambda subject: _decorated(subject, category, action)
    return _decorated(args[0], category, action)


def _decorated(subject: Any, category: WipCategory, action: Action) -> Any:
    if not callable(subject):
        error(
            "<TRU11827309E>",
            ValueError(f"Invalid usage of wip decorator. {type(subject)} argument not supported!"),
        )

    def announce() -> None:
        if not _ENABLE_DECORATOR or _suspended.get():
            return
        message = message_format.format(subject, category.name)
        if action is Action.ERROR:
            error("<TRU52318604E>", RuntimeError(message))
        log.warning("<TRU60418264W>", message)

    return _announced_class(subject, announce) if isinstance(subject, type) else _announced(subject, announce)


def _announced(function: Callable[..., Any], announce: Callable[[], None]) -> Callable[..., Any]:
    @functools.wraps(function)
    def announced(*args: Any, **kwargs: Any) -> Any:
        announce()
        return function(*args, **kwargs)

    return announced


def _announced_class(subject: Any, announce: Callable[[], None]) -> Any:
    make = subject.__new__

    def announced_new(cls: Any, *args: Any, **kwargs: Any) -> Any:
        announce()
        if make is not object.__new__:
            return make(cls, *args, **kwargs)
        if cls.__init__ is object.__init__ and (args or kwargs):
            # object.__init__ leaves this check to object.__new__, which is no longer called with the arguments
            raise TypeError(f"{cls.__name__}() takes no arguments")
        return make(cls)

    subject.__new__ = announced_new
    return subject
