"""Records that cannot be replayed."""

from __future__ import annotations

from collections.abc import Mapping

NOT_SERVED_YET: Mapping[str, Mapping[str, str]] = {
    "http": {},
    "grpc": {"status-of-custom": "the job was started by a call that is not among these records"},
}
