"""As what is counted what connections refuse by themselves, before there is a request that could be served."""

from __future__ import annotations

from caikit.runtime.engine import Reason, Status

BY_HTTP_STATUS = {
    408: (Status.DEADLINE_EXCEEDED, Reason.TOO_SLOW),
    431: (Status.RESOURCE_EXHAUSTED, Reason.TOO_LARGE),
    503: (Status.UNAVAILABLE, Reason.SHUTDOWN),
}
CROWDED = (Status.UNAVAILABLE, Reason.CONCURRENCY)
"""There are more connections or requests than the server may have at the same time."""
