"""More tries for calls that fail in a way that can pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import alog

__all__ = ["with_retries"]

log = alog.use_channel("EMBED_RETRY")

Result = TypeVar("Result")

_SECONDS_PER_ATTEMPT = 0.2


def with_retries(call: Callable[[], Result], retries: int) -> Result:
    """The result of `call`, which is tried `retries` more times when it fails; then its first error is raised.

    What an argument is to blame for is not tried again.
    """
    first: Exception | None = None
    for attempt in range(retries + 1):
        try:
            return call()
        except (RuntimeError, OSError, MemoryError) as failure:
            if isinstance(failure, NotImplementedError):
                raise
            first = first or failure
            if attempt < retries:
                log.warning("<NLP54902271W>", "Try %d of a model failed: %r", attempt + 1, failure)
                time.sleep(_SECONDS_PER_ATTEMPT * attempt)
    assert first is not None  # noqa: S101  (the loop ran at least once)
    raise first
