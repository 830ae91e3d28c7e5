"""What a terminal can show."""

from __future__ import annotations

import os
import re
import shutil
import unicodedata
from typing import TextIO

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_CONTROL_IN_TEXTS = re.compile(r"(?![\n\t])" + _CONTROL.pattern)
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


def is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def has_colours(stream: TextIO | None) -> bool:
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def styled(text: str, style: str, stream: TextIO | None) -> str:
    """The text in a colour, where the stream has colours."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if has_colours(stream) else text


def visible(text: str) -> str:
    """The text without characters that would steer the terminal or turn its direction of writing."""
    return _CONTROL.sub(_escaped, text)


def visible_text(text: str) -> str:
    """The same for a text of several lines."""
    return _CONTROL_IN_TEXTS.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def terminal_width() -> int:
    return max(40, shutil.get_terminal_size().columns)


def width_of(text: str) -> int:
    """Columns that a text takes."""
    return sum(_columns(character) for character in text)


def shortened(text: str, width: int) -> str:
    """At most `width` columns of the text, with a mark where something is left out."""
    if width_of(text) <= width:
        return text
    kept, used = [], 0
    for character in text:
        used += _columns(character)
        if used > width - 1:
            break
        kept.append(character)
    return "".join(kept) + "…"


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
