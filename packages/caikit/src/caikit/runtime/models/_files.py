"""Looks at model files without opening them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Event

Fingerprint = tuple[int, int, int]


def _stats(path: Path) -> Iterator[os.stat_result]:
    if path.is_file():
        yield path.stat()
        return
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                yield Path(folder, name).stat()
            except OSError:  # a file that vanishes while we look, or a dangling link
                continue


def _folders(path: Path) -> Iterator[Path]:
    for folder, _, _ in os.walk(path):
        yield Path(folder)


def size_on_disk(path: str) -> int:
    return sum(stat.st_size for stat in _stats(Path(path)))


def fingerprint(path: str) -> Fingerprint | None:
    """Changes whenever a file below `path` is added, removed, renamed or rewritten; None if there is nothing."""
    place = Path(path)
    count = size = 0
    try:
        # Only the time of its folder tells that a file was renamed, which is how files are published.
        newest = max([place.stat().st_mtime_ns, *(folder.stat().st_mtime_ns for folder in _folders(place))])
        for stat in _stats(place):
            count += 1
            size += stat.st_size
            newest = max(newest, stat.st_mtime_ns)
    except FileNotFoundError:
        return None
    return count, size, newest


def steady(paths: Iterable[str], period: float, stop: Event) -> set[str]:
    """The paths whose files did not change during one `period`, which all of them share."""
    before = {path: fingerprint(path) for path in paths}
    if period <= 0 or not before:
        return set(before)
    stop.wait(period)
    return {path for path, seen in before.items() if seen == fingerprint(path)}
