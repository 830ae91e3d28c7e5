"""The exception that interrupts work which nobody waits for any more."""

from __future__ import annotations

import sys

from caikit.runtime.engine import Status

from .caikit_runtime_exception import CaikitRuntimeException

__all__ = ["AbortedException"]


class AbortedException(CaikitRuntimeException):
    """Raised inside of a running call when its client has gone or its deadline has passed."""

    def __init__(self) -> None:
        # Nobody can compare with a gRPC status code before gRPC is imported.
        codes = getattr(sys.modules.get("grpc"), "StatusCode", Status)
        super().__init__(
            codes.ABORTED,
            "Work in this thread was aborted by a context manager. "
            "This is usually due to a client timeout or cancellation.",
        )
