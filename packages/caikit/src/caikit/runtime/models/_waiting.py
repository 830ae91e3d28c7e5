"""Waits for a model on behalf of a request, no longer than the request itself lives."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.status import Status

if TYPE_CHECKING:
    from caikit.runtime.engine.context import RequestContext

    from ._entry import LoadedModel


def wait_until_done(entry: LoadedModel, context: RequestContext | None) -> None:
    """Return when the load has ended; raise when the request is cancelled or its deadline passes first."""
    if context is None:
        entry.wait()
        return
    awake = threading.Event()
    forget_load = entry.on_done(awake.set)
    forget_cancel = context.cancel.on_cancel(awake.set)
    try:
        awake.wait(None if context.deadline is None else max(0.0, context.deadline - time.monotonic()))
    finally:
        forget_cancel()
        forget_load()
    if entry.loading():
        context.cancel.raise_if_cancelled()
        raise RequestError(
            Status.DEADLINE_EXCEEDED, f"The deadline passed while model '{entry.id()}' was being loaded"
        )
