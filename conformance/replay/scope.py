"""Records that the server cannot answer yet."""

from __future__ import annotations

from collections.abc import Mapping

NOT_SERVED_YET: Mapping[str, Mapping[str, str]] = {
    "http": {},
    "grpc": {"status-of-custom": "the job was started through the process service, which is not served yet"},
}
