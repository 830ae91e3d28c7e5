"""Tables in plain text."""

from __future__ import annotations

from collections.abc import Sequence

from ._terminal import shortened, visible, width_of

_GAP = "  "


def render_table(headers: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """The lines of a table, the headers first.

    Where the table is wider than `width`, its widest columns give way.
    """
    cells = [list(headers), *([visible(cell) for cell in row] for row in rows)]
    widths = _fit([max(map(width_of, column)) for column in zip(*cells, strict=True)], width)
    return [_line(row, widths) for row in cells]


def _fit(widths: list[int], available: int) -> list[int]:
    available -= len(_GAP) * (len(widths) - 1)
    while sum(widths) > available and max(widths) > 1:
        widest = widths.index(max(widths))
        others = [each for index, each in enumerate(widths) if index != widest]
        least = max([*others, 1]) if others else 1
        excess = sum(widths) - available
        # Down to the next widest column, then all of them in turn.
        widths[widest] -= max(1, min(excess, widths[widest] - least))
    return widths


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    parts = []
    for cell, width in zip(row, widths, strict=True):
        shown = shortened(cell, width)
        parts.append(shown + " " * (width - width_of(shown)))
    return _GAP.join(parts).rstrip()
