"""Closing several components in the time of one."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import alog

from .job_base import JobBase

log = alog.use_channel("MDLMNG")

# for components that take longer than they were told to
_PATIENCE_SECONDS = 1.0


def close_all(components: Sequence[JobBase], timeout: float) -> bool:
    """Close all at the same time; whether all of their jobs have ended."""
    ended: list[bool] = []

    def close(component: JobBase) -> None:
        try:
            ended.append(component.close(timeout))
        except Exception:  # the others are closed all the same
            log.error("<COR71530482E>", "%r cannot be closed", component, exc_info=True)

    threads = [threading.Thread(target=close, args=(each,), daemon=True) for each in components]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + timeout + _PATIENCE_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return len(ended) == len(components) and all(ended)
