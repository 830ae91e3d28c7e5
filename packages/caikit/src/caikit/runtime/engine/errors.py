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
from typing import Any

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
    issues: tuple[Any, ...] = ()
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
    status = _stated_status(error)
    if status is not None:
        message = hide_folders(shorten(_stated_message(error)))
        return Failure(status, message, _stated_id(error), Origin.STATUS, (), in_stream)
    message = hide_folders(shorten(str(error)))
    if not message and not isinstance(error, Exception):
        # GeneratorExit and its like say nothing by themselves.
        message = f"{type(error).__name__} was raised"
    if isinstance(error, TypeError | ValueError):
        issues = tuple(getattr(error, "issues", ()))
        return Failure(Status.INVALID_ARGUMENT, message, new_error_id(), Origin.INPUT, issues, in_stream)
    return Failure(Status.INTERNAL, message, new_error_id(), Origin.UNEXPECTED, (), in_stream)


# Codes of CaikitCoreException whose names are not those of Status.
_CORE_CODES = {
    "UNAUTHORIZED": Status.UNAUTHENTICATED,
    "FORBIDDEN": Status.PERMISSION_DENIED,
    "CONNECTION_ERROR": Status.UNAVAILABLE,
    "FATAL": Status.INTERNAL,
}


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
    if not isinstance(name, str):
        return None
    return Status.__members__.get(name) or _CORE_CODES.get(name)


def _stated_message(error: BaseException) -> str:
    message = getattr(error, "message", None)
    if isinstance(message, str):
        return message
    details = getattr(error, "details", None)
    if callable(details):
        text = details()
        return text if isinstance(text, str) else ""
    return str(error)


def _stated_id(error: BaseException) -> str:
    id_ = getattr(error, "id", None)
    return id_ if isinstance(id_, str) else new_error_id()
