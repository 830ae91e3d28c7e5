"""The handler that logs what it raises."""

from __future__ import annotations

import contextlib
import contextvars
import logging
import os
import threading
from collections.abc import Generator, Iterable, Iterator
from typing import Any, NoReturn

from caikit._exception_text import safe_repr

from ...config import get_config

__all__ = ["ErrorHandler", "get", "without_logging"]

_LOGGED_ATTRIBUTE = "_caikit_core_nexception_log_messages"
_DEFAULT_LIMIT = 4

_silent = contextvars.ContextVar("caikit_error_handler_silent", default=False)
_handlers: dict[str, ErrorHandler] = {}
_handlers_lock = threading.Lock()
_checks_switch: tuple[Any, bool] = (None, True)


def get(log_chan: logging.Logger) -> ErrorHandler:
    """The handler of a log channel, always the same one for a channel name."""
    with _handlers_lock:
        handler = _handlers.get(log_chan.name)
        if handler is None:
            handler = _handlers[log_chan.name] = ErrorHandler(log_chan)
        return handler


@contextlib.contextmanager
def without_logging() -> Iterator[None]:
    """In this context errors are raised but not logged, for callers that expect and handle them."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


class ErrorHandler:
    """Checks that raise, and a way to raise, each with one line in the log."""

    def __init__(self, log_chan: logging.Logger) -> None:
        self.log_chan = log_chan

    def log_raise(
        self, log_code: str, exception: BaseException, root_exception: BaseException | None = None
    ) -> NoReturn:
        """Log `exception` as an error and raise it, from `root_exception` if that is given.

        One exception object is logged `max_exception_log_messages` times at most. What is no exception is a
        TypeError that names the log code.
        """
        if not isinstance(exception, BaseException):
            raise TypeError(
                f"{log_code}: expected an exception to raise, got {exception!r} of type {type(exception).__name__}"
            )
        self._log(log_code, exception, root_exception)
        if root_exception is not None:
            raise exception from root_exception
        raise exception

    __call__ = log_raise

    def type_check(self, log_code: str, /, *types: type, allow_none: bool = False, **variables: Any) -> None:
        """Every variable must be an instance of one of `types`, else TypeError with the name of the variable.

        A log code has three letters, eight digits and the severity: `<ABC12345678E>`. This and all other checks
        do nothing while `enable_error_checks` is off.
        """
        if not _checks_enabled():
            return
        self._check_arguments(log_code, types, variables)
        for name, value in variables.items():
            if not isinstance(value, types) and not (allow_none and value is None):
                found = type(value)
                self.log_raise(
                    log_code,
                    TypeError(
                        f"type check failed: variable `{name}` has type `{found.__name__}` (fully qualified name "
                        f"`{found.__module__}.{found.__qualname__}`) not in `{_names(types, allow_none)}`"
                    ),
                )

    def type_check_all(
        self, log_code: str, /, *types: type, allow_none: bool = False, **variables: Any
    ) -> None:
        """Every variable must be an iterable of instances of `types`, else TypeError.

        Strings and generators do not count as iterables. Of a dictionary the keys are checked. `allow_none` is about the variables, not about their elements.
        """
        if not _checks_enabled():
            return
        self._check_arguments(log_code, types, variables)
        for name, value in variables.items():
            if value is None and allow_none:
                continue
            if not isinstance(value, Iterable) or isinstance(value, (str, Generator)):
                self._raise_type(log_code, f"variable `{name}`", value, (Iterable,), allow_none)
            for element in value:
                if not isinstance(element, types):
                    self._raise_type(log_code, f"element of `{name}`", element, types, False)

    def subclass_check(
        self, log_code: str, child_class: Any, /, *parent_classes: type, allow_none: bool = False
    ) -> None:
        """`child_class` must be one of `parent_classes` or derived from one, else TypeError."""
        if not _checks_enabled():
            return
        if not parent_classes:
            self.log_raise(log_code, RuntimeError("invalid subclass check: no parent_classes given"))
        if child_class is None and allow_none:
            return
        if not isinstance(child_class, type) or not issubclass(child_class, parent_classes):
            self.log_raise(
                log_code,
                TypeError(f"subclass check failed: {child_class} is not a subclass of {parent_classes}"),
            )

    def value_check(self, log_code: str, condition: Any, *args: Any) -> None:
        """`condition` must be true, else ValueError.

        `args` are a message, or a `str.format` template and its values.
        """
        if not _checks_enabled() or condition:
            return
        self.log_raise(log_code, ValueError(f"value check failed: {_message(*args)}"))

    def file_check(self, log_code: str, *file_paths: Any) -> None:
        """Every path must be that of a file, else FileNotFoundError."""
        if not _checks_enabled():
            return
        for path in file_paths:
            if not os.path.exists(path):
                self.log_raise(log_code, FileNotFoundError(f"File path `{path}` does not exist"))
            if not os.path.isfile(path):
                self.log_raise(log_code, FileNotFoundError(f"Path `{path}` is not a file"))

    def dir_check(self, log_code: str, *dir_paths: Any) -> None:
        """Every path must be that of a directory, else FileNotFoundError or NotADirectoryError."""
        if not _checks_enabled():
            return
        for path in dir_paths:
            if not os.path.exists(path):
                self.log_raise(log_code, FileNotFoundError(f"Directory path `{path}` does not exist"))
            if not os.path.isdir(path):
                self.log_raise(log_code, NotADirectoryError(f"Path `{path}` is not a directory"))

    def _check_arguments(self, log_code: str, types: tuple[type, ...], variables: dict[str, Any]) -> None:
        if not types:
            self.log_raise(log_code, RuntimeError("invalid type check: no types specified"))
        if not variables:
            self.log_raise(log_code, RuntimeError("invalid type check: no variables specified"))

    def _raise_type(
        self, log_code: str, subject: str, value: Any, types: tuple[type, ...], allow_none: bool
    ) -> NoReturn:
        found = type(value).__name__
        self.log_raise(
            log_code,
            TypeError(
                f"type check failed: {subject} has type `{found}` not in `{_names(types, allow_none)}`"
            ),
        )

    def _log(self, log_code: str, exception: BaseException, root: BaseException | None) -> None:
        already_logged = getattr(exception, _LOGGED_ATTRIBUTE, -1) + 1
        # an exception that does not take the attribute is logged every time
        with contextlib.suppress(Exception):
            setattr(exception, _LOGGED_ATTRIBUTE, already_logged)
        configured = get_config().max_exception_log_messages
        limit = configured if isinstance(configured, int) else _DEFAULT_LIMIT
        if _silent.get() or already_logged > limit:
            return
        if already_logged == limit:
            message = (
                f"reached MAX_EXCEPTION_LOG_MESSAGES of `{limit}`, will no log exception "
                f"`{safe_repr(exception)}` "
            )
        else:
            message = f"exception raised: {safe_repr(exception)}"
            if root is not None:
                message += f", root exception: {safe_repr(root)}"
        self.log_chan.error({"log_code": log_code, "message": message})


def _checks_enabled() -> bool:
    global _checks_switch
    config = get_config()
    known_config, enabled = _checks_switch
    if config is not known_config:
        enabled = bool(config.enable_error_checks)
        _checks_switch = (config, enabled)
    return enabled


def _names(types: Iterable[Any], allow_none: bool) -> tuple[str, ...]:
    names = tuple(getattr(item, "__name__", str(item)) for item in types)
    return (*names, "NoneType") if allow_none else names


def _message(template: Any = "", *values: Any) -> str:
    if not values:
        return str(template)
    try:
        return str(template).format(*values)
    except Exception:
        # a mistake in the message must not hide the failure that it describes
        return f"{template} {values!r}"
