"""What goes with every call: metadata over gRPC, headers over HTTP."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path

import alog

from caikit.core.exceptions import error_handler

log = alog.use_channel("RMTCREDS")
error = error_handler.get(log)

Pairs = tuple[tuple[str, str], ...]

_NAME = re.compile(r"[0-9a-z_.-]+")
_VALUE = re.compile(r"[\x20-\x7e]*")
_MOST_TOKEN_BYTES = 1 << 16


class Credentials:
    """Names and values from the settings, and a bearer token from a file that may change."""

    def __init__(self, metadata: Mapping[str, str] | None, token_file: str | None) -> None:
        error.type_check("<COR30417756E>", Mapping, allow_none=True, metadata=metadata)
        error.type_check("<COR30417757E>", str, allow_none=True, token_file=token_file)
        self._fixed: Pairs = tuple(_checked(name, value) for name, value in (metadata or {}).items())
        self._token_file = token_file
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._pairs = self._fixed

    def pairs(self) -> Pairs:
        if self._token_file is None:
            return self._fixed
        with self._lock:
            try:
                self._refresh(self._token_file)
            except OSError as problem:
                if self._seen is None:
                    raise
                log.warning("<COR30417758W>", "The token in use stays: %s", problem)
            return self._pairs

    def _refresh(self, path: str) -> None:
        status = Path(path).stat()
        version = (status.st_ino, status.st_mtime_ns, status.st_size)
        if version == self._seen:
            return
        with open(path, encoding="ascii", errors="replace") as file:
            token = file.read(_MOST_TOKEN_BYTES).strip()
        self._pairs = (*self._fixed, _checked("authorization", f"Bearer {token}"))
        self._seen = version


def _checked(name: str, value: str) -> tuple[str, str]:
    error.type_check("<COR30417759E>", str, name=name, value=value)
    lowered = name.lower()
    if not _NAME.fullmatch(lowered) or lowered.endswith("-bin") or lowered.startswith("grpc-"):
        error("<COR30417760E>", ValueError(f"'{name}' cannot be the name of metadata"))
    if not _VALUE.fullmatch(value):
        # The value may be a secret, so it is not shown.
        error(
            "<COR30417761E>", ValueError(f"The value of metadata '{name}' has characters that cannot be sent")
        )
    return lowered, value
