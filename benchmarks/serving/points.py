"""The points of a question, in the order and in the words of a page."""

from __future__ import annotations


def in_order(points: list[str]) -> list[str]:
    """By what they have in common, and among those by their number; others stay where they are."""
    kinds = list(dict.fromkeys(map(_kind, points)))
    return sorted(points, key=lambda point: (kinds.index(_kind(point)), _number(point) or 0))


def words(point: str) -> str:
    """`1 connection`, `10,000 connections`, `tiny, 1 worker`."""
    task, comma, count = point.partition(", ")
    if comma and count.isdigit():
        return f"{task}, {_counted(int(count), 'workers')}"
    number = _number(point)
    if number is None:
        return point
    unit, comma, rest = _kind(point).partition(",")
    return _counted(number, unit) + comma + rest


def _kind(point: str) -> str:
    """The point without its number, if it begins with one."""
    return point if _number(point) is None else point.partition(" ")[2]


def _number(point: str) -> int | None:
    first = point.partition(" ")[0]
    return int(first) if first.isdigit() else None


def _counted(number: int, unit: str) -> str:
    return f"{number:,} {unit.removesuffix('s') if number == 1 else unit}"
