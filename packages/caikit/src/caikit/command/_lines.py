"""JSON lines as they come in."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ._arguments import STANDARD_INPUT
from ._errors import UsageError

_PIECE = 1 << 16


def read_objects(source: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in a text, in `@FILE`, or on standard input (`-`), each as soon as its line is complete."""
    for number, line in enumerate(_lines(source), 1):
        if not line.strip():
            continue
        where = f"--data, line {number}"
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as problem:
            raise UsageError(f"{where}: expected JSON: {problem}") from None
        if not isinstance(value, dict):
            raise UsageError(f"{where}: expected a JSON object, got {type(value).__name__}")
        yield value


def _lines(source: str) -> Iterator[bytes]:
    path = source.removeprefix("@")
    if path == STANDARD_INPUT:
        yield from _standard_input()
    elif source.startswith("@"):
        try:
            with Path(path).open("rb") as file:
                yield from file
        except OSError as problem:
            raise UsageError(f"--data: {path} cannot be read: {problem.strerror}") from None
    else:
        yield from source.encode("utf-8", "surrogateescape").splitlines()


def _standard_input() -> Iterator[bytes]:
    """Without Python's buffer: its lock, held by a thread that waits for input, would break the end of the program."""
    rest = b""
    while piece := os.read(0, _PIECE):
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
    if rest:
        yield rest
