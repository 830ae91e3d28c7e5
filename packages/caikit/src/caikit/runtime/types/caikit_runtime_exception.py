"""The exception that a server or a module raises to end a request with a chosen status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from caikit.runtime.engine import Status, new_error_id

if TYPE_CHECKING:
    import grpc

__all__ = ["CaikitRuntimeException"]


class CaikitRuntimeException(Exception):  # noqa: N818 - a documented name
    """Raised when a request ends with a gRPC status that the code which raises it knows."""

    def __init__(
        self,
        status_code: grpc.StatusCode | Status,
        message: str,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.message = message
        self.id = new_error_id()
        self.metadata = {**(metadata or {}), "error_id": self.id}

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.status_code, self.message, self.metadata)


def _restore(
    cls: type[CaikitRuntimeException], status_code: Any, message: str, metadata: dict[str, Any]
) -> CaikitRuntimeException:
    error = cls.__new__(cls, status_code, message)
    CaikitRuntimeException.__init__(error, status_code, message, metadata)
    error.id = error.metadata["error_id"] = metadata["error_id"]
    return error
