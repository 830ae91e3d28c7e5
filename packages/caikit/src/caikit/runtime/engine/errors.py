"""What goes wrong with a request, and the one mapping from exceptions to statuses.

```
Exception
├── RequestError      a request that is refused or failed, with its status
│   └── MissingInputsError
└── OperationFailed   what the engine raises after an operation failed; carries the Failure
```
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from caikit._exception_text import safe_str, text_of

from .private_paths import hide_folders
from .status import Status

# Texts may repeat what the client sent.
_LONGEST_MESSAGE = 4000


class Origin(enum.Enum):
    """Where a failure comes from; decides how it is logged and how its text is told."""

    STATUS = "an exception that names its status"
    INPUT = "a type or value error"
    UNEXPECTED = "any other exception"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed request as the client will see it."""

    status: Status
    message: str
    id: str
    origin: Origin = Origin.STATUS
    in_stream: bool = False


class Reason(enum.Enum):
    """Why a request was turned away before its work began."""

    QUEUE_FULL = "queue_full"
    QUEUE_TIME = "queue_time"
    CONCURRENCY = "concurrency"
    SHUTDOWN = "shutdown"
    BYTES_HELD = "bytes_held"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    ACCESS = "access"
    UNKNOWN_METHOD = "unknown_method"


class RequestError(Exception):
    """Raised when a request cannot be served; says with which status it ends, and why it was turned away if it was."""

    def __init__(
        self, status: Status, message: str, *, id: str | None = None, reason: Reason | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.id = id or new_error_id()
        self.reason = reason


class MissingInputsError(RequestError):
    """Raised when a request lacks what the model cannot do without; a head may add where that is expected."""

    def __init__(self, names: Sequence[str]) -> None:
        what = "input" if len(names) == 1 else "inputs"
        super().__init__(Status.INVALID_ARGUMENT, f"Missing required {what}: {', '.join(map(repr, names))}")
        self.names = tuple(names)


class OperationFailed(Exception):  # noqa: N818 - it states a fact that was already logged and counted
    """Raised by the engine when an operation failed; the cause is the original exception."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def new_error_id() -> str:
    return uuid.uuid4().hex


def shorten(text: str, longest: int = _LONGEST_MESSAGE) -> str:
    """The beginning of a text that is too long."""
    return text if len(text) <= longest else f"{text[:longest]}..."


def to_failure(error: BaseException, *, in_stream: bool = False) -> Failure:
    """The failure that stands for an exception: the only place where exceptions become statuses."""
    if isinstance(error, OperationFailed):
        return error.failure
    try:
        return _read(error, in_stream)
    except BaseException:  # foreign code, in the middle of handling an error
        return Failure(Status.INTERNAL, _told(text_of(error)), new_error_id(), Origin.UNEXPECTED, in_stream)


def _read(error: BaseException, in_stream: bool) -> Failure:
    status = _stated_status(error)
    if status is not None:
        message = _told(_stated_message(error))
        return Failure(status, message, _stated_id(error), Origin.STATUS, in_stream)
    # A bare `assert`, GeneratorExit and their like say nothing by themselves.
    message = _told(text_of(error))
    if isinstance(error, TypeError | ValueError):
        return Failure(Status.INVALID_ARGUMENT, message, new_error_id(), Origin.INPUT, in_stream)
    return Failure(Status.INTERNAL, message, new_error_id(), Origin.UNEXPECTED, in_stream)


def _told(text: str) -> str:
    return hide_folders(shorten(text))


_CODES = {
    **Status.__members__,
    # Codes of CaikitCoreException whose names are not those of Status.
    "UNAUTHORIZED": Status.UNAUTHENTICATED,
    "FORBIDDEN": Status.PERMISSION_DENIED,
    "CONNECTION_ERROR": Status.UNAVAILABLE,
    "FATAL": Status.INTERNAL,
}
# What fails does not end well, whatever it says.
del _CODES["OK"]


def _stated_status(error: BaseException) -> Status | None:
    if isinstance(error, RequestError):
        return error.status
    code = getattr(error, "status_code", None)
    if code is None:
        # A gRPC client call that failed (grpc.RpcError) tells its status by a method.
        code = getattr(error, "code", None)
        try:
            code = code() if callable(code) else None
        except BaseException:  # foreign code, in the middle of handling an error
            return None
    name = getattr(code, "name", None)
    return _CODES.get(name) if isinstance(name, str) else None


def _stated_message(error: BaseException) -> str:
    message = getattr(error, "message", None)
    if isinstance(message, str):
        return message
    details = getattr(error, "details", None)
    if callable(details):
        text = details()
        return text if isinstance(text, str) else ""
    return safe_str(error)


def _stated_id(error: BaseException) -> str:
    id_ = getattr(error, "id", None)
    return id_ if isinstance(id_, str) else new_error_id()
