"""What a command prints: text and tables for people at a terminal, JSON for everybody else."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ._table import render_table
from ._terminal import is_terminal, styled, terminal_width, visible, visible_text

# JSON escapes the other control characters itself.
_UNSAFE = re.compile(r"[\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Output:
    """Standard output, in the form that its reader can use."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.terminal = is_terminal(sys.stdout)
        self.is_json = bool(getattr(options, "json", False)) or not self.terminal

    def document(self, value: Any) -> None:
        """The one JSON document that a command answers with."""
        self._write_line(self._text(value, indent=2 if self.terminal else None))

    def item(self, value: Any) -> None:
        """One JSON line of a stream; shown at once."""
        self._write_line(self._text(value, indent=None))

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        head, *lines = render_table(headers, rows, terminal_width())
        self.line(styled(head, "bold", sys.stdout))
        for line in lines:
            self.line(line)

    def line(self, text: str = "") -> None:
        self._write_line(text)

    def details(self, pairs: Mapping[str, str]) -> None:
        """Names and values below each other."""
        width = max(map(len, pairs))
        for name, value in pairs.items():
            self.line(f"{styled(name.ljust(width), 'bold', sys.stdout)}  {visible(value)}")

    def text(self, text: str) -> None:
        """A text as it is; a terminal gets no characters that would steer it."""
        sys.stdout.write(visible_text(text) if self.terminal else text)
        sys.stdout.flush()

    def content(self, data: bytes) -> None:
        """Bytes as they are."""
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def _text(self, value: Any, indent: int | None) -> str:
        if not self.terminal:
            return json.dumps(value, indent=indent)
        text = json.dumps(value, indent=indent, ensure_ascii=False)
        return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)

    def _write_line(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def note(text: str) -> None:
    """Something for the person at the terminal; nobody else sees it."""
    if is_terminal(sys.stderr):
        tell(visible(text))


def warn(text: str) -> None:
    """Something that went wrong without being the end."""
    tell(f"{styled('warning:', 'yellow', sys.stderr)} {visible(text)}")


def tell(text: str) -> None:
    """A sentence beside the output."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
