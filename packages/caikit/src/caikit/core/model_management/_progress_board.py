"""What a process tells about its progress, in memory that it shares with the process that waits for it."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

from .job_progress import Progress

_SIZE = 16384
_HEAD = struct.Struct("<II")


class ProgressBoard:
    """Neither side ever waits for the other: a text that is just being written is not taken for a whole one."""

    def __init__(self, context: Any) -> None:
        """`context` is that of `multiprocessing` in which the process is started."""
        self._memory = context.RawArray("c", _SIZE)

    def write(self, progress: Progress) -> None:
        text = progress_to_text(progress).encode()
        if len(text) > _SIZE - _HEAD.size:
            text = progress_to_text(Progress(progress.fraction)).encode()
        self._memory[: _HEAD.size + len(text)] = _HEAD.pack(len(text), zlib.crc32(text)) + text

    def read(self) -> Progress | None:
        """What was written last; None before that, and while it is being written."""
        content = bytes(self._memory[:])
        length, checksum = _HEAD.unpack_from(content)
        text = content[_HEAD.size : _HEAD.size + length]
        return progress_from_text(text.decode()) if length and zlib.crc32(text) == checksum else None


def progress_to_text(progress: Progress) -> str:
    return json.dumps([progress.fraction, progress.text, dict(progress.metrics)])


def progress_from_text(text: str) -> Progress:
    return Progress(*json.loads(text))
