"""Outlines of masks."""

from __future__ import annotations

from typing import Any

import numpy as np

# Noise has more edges than anybody can use as an outline.
_MOST_EDGES = 200_000

_Point = tuple[int, int]


def outline(mask: np.ndarray[Any, Any], left: int = 0, top: int = 0) -> list[float]:
    """The corners of the largest part of a mask as x, y, x, y ...; empty for masks that are mostly noise.

    `left` and `top` are where the mask lies.

    Corners lie between pixels, so a single pixel at the origin has the outline 0, 0, 1, 0, 1, 1, 0, 1.
    """
    steps = _edges(mask)
    if len(steps) > _MOST_EDGES:
        return []
    following: dict[_Point, list[_Point]] = {}
    for start, end in steps:
        following.setdefault(start, []).append(end)
    loops = []
    while following:
        loops.append(_walk(following))
    corners = _without_straight(max(loops, key=_area, default=[]))
    return [float(number) for x, y in corners for number in (left + x, top + y)]


def _edges(mask: np.ndarray[Any, Any]) -> list[tuple[_Point, _Point]]:
    """Sides of pixels between inside and outside, each from end to end with the inside at its right hand."""
    padded = np.pad(mask.astype(np.int8), 1)
    down, right = np.diff(padded, axis=0)[:, 1:-1], np.diff(padded, axis=1)[1:-1]
    found: list[tuple[_Point, _Point]] = []
    for changes, change, (x0, y0), (x1, y1) in (
        (down, 1, (0, 0), (1, 0)),
        (down, -1, (1, 0), (0, 0)),
        (right, 1, (0, 1), (0, 0)),
        (right, -1, (0, 0), (0, 1)),
    ):
        rows, columns = np.nonzero(changes == change)
        if rows.size > _MOST_EDGES:
            return [((0, 0), (0, 0))] * (_MOST_EDGES + 1)
        places = zip(columns.tolist(), rows.tolist(), strict=True)
        found.extend(((x + x0, y + y0), (x + x1, y + y1)) for x, y in places)
    return found


def _walk(following: dict[_Point, list[_Point]]) -> list[_Point]:
    """One closed loop, taken out of the steps that are left."""
    start = next(iter(following))
    loop, here, came_from = [], start, None
    while True:
        loop.append(here)
        ends = following[here]
        end = _turn(came_from, here, ends)
        ends.remove(end)
        if not ends:
            del following[here]
        came_from, here = here, end
        if here == start:
            return loop


def _turn(came_from: _Point | None, here: _Point, ends: list[_Point]) -> _Point:
    """Where two pixels touch at a corner only, each is walked around by itself: to the right."""
    if came_from is None or len(ends) == 1:
        return ends[0]
    ahead = (here[0] - came_from[0], here[1] - came_from[1])
    right = (here[0] - ahead[1], here[1] + ahead[0])
    return right if right in ends else ends[0]


def _area(loop: list[_Point]) -> int:
    """Twice what a loop encloses; below zero for holes."""
    following = [*loop[1:], *loop[:1]]
    return sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in zip(loop, following, strict=True))


def _without_straight(loop: list[_Point]) -> list[_Point]:
    def turns(place: int) -> bool:
        before, here, after = loop[place - 1], loop[place], loop[(place + 1) % len(loop)]
        return (here[0] - before[0]) * (after[1] - here[1]) != (here[1] - before[1]) * (after[0] - here[0])

    return [loop[place] for place in range(len(loop)) if turns(place)]
