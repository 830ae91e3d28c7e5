"""A line that shows, on a terminal, how far something is."""

from __future__ import annotations

import sys
import time

from ._terminal import has_colours, is_terminal, shortened, terminal_width, visible

_FRAMES = "|/-\\"
_BAR = 24
_ERASE = "\r\x1b[K"


class ProgressLine:
    """Lies on standard error while work goes on; elsewhere than on a terminal it shows nothing."""

    def __init__(self) -> None:
        # A terminal that is no more than a printer cannot take a line back.
        self._shown = is_terminal(sys.stderr) and (has_colours(sys.stderr) or _can_erase())
        self._started = time.monotonic()
        self._frame = 0

    @property
    def is_shown(self) -> bool:
        return self._shown

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._shown:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()

    def show(self, text: str, fraction: float | None = None) -> None:
        if not self._shown:
            return
        self._frame += 1
        elapsed = f"{time.monotonic() - self._started:.0f} s"
        mark = _FRAMES[self._frame % len(_FRAMES)]
        line = f"{mark} {visible(text)}  {elapsed}  {_bar(fraction)}".rstrip()
        sys.stderr.write(_ERASE + shortened(line, terminal_width() - 1))
        sys.stderr.flush()


def _bar(fraction: float | None) -> str:
    if fraction is None:
        return ""
    done = round(_BAR * min(1.0, max(0.0, fraction)))
    return f"[{'#' * done}{'-' * (_BAR - done)}] {fraction:.0%}"


def _can_erase() -> bool:
    import os

    return os.environ.get("TERM") != "dumb"
