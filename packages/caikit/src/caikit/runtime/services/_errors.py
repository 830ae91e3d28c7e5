"""Errors of requests in the class, and with the codes, that callers expect."""

from __future__ import annotations

from caikit.runtime.engine.status import Status
from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

__all__ = ["runtime_error"]


def runtime_error(status: Status, message: str) -> CaikitRuntimeException:
    """The exception with gRPC's own code where gRPC is installed."""
    try:
        from grpc import StatusCode
    except ImportError:
        return CaikitRuntimeException(status, message)
    return CaikitRuntimeException(StatusCode[status.name], message)
