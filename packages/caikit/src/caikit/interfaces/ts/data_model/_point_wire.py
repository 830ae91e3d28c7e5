"""Sequences of points between arrays and messages, as one block where the wire allows it."""

from __future__ import annotations

from typing import Any

from ._json_numbers import floats_from_json, integers_from_json

_HEADS = {
    # tag and length of the point, tag (and length, and tag) of the number that follows
    "ts_float": b"\x0a\x09\x11",
    "ts_epoch": b"\x0a\x0b\x1a\x09\x09",
}
_NUMBER = "<f8"


def write_points(message: Any, kind: str, array: Any) -> None:
    """Append the points to a PointTimeSequence."""
    if kind not in _HEADS:
        add = message.points.add
        for number in array.tolist():
            add().ts_int = number
        return
    import numpy as np

    records = np.empty(len(array), _record(kind))
    records["head"] = np.void(_HEADS[kind])
    records["number"] = array
    message.MergeFromString(records.tobytes())


def read_points(message: Any) -> tuple[str, Any] | None:
    """Kind and numbers of the points; None if there are none or if they are of several kinds."""
    points = message.points
    if not points:
        return None
    kind = points[0].WhichOneof("time")
    array = _read_block(message, kind, len(points)) if kind in _HEADS else None
    if array is not None:
        return kind, array
    if kind is None or {point.WhichOneof("time") for point in points} != {kind}:
        return None
    import numpy as np

    if kind == "ts_epoch":
        return kind, np.array([point.ts_epoch.seconds for point in points], "float64")
    dtype = "int64" if kind == "ts_int" else "float64"
    return kind, np.array([getattr(point, kind) for point in points], dtype)


def points_from_json(points: Any) -> tuple[str, Any]:
    """Kind and numbers of points in parsed JSON; no array if they are not all the same."""
    if points.__class__ is not list or not points or set(map(type, points)) != {dict}:
        return "", None
    kind = next(iter(points[0]), "")
    try:
        numbers = [point[kind] for point in points if len(point) == 1]
        if kind == "ts_epoch":
            numbers = [seconds["seconds"] for seconds in numbers if seconds.keys() == {"seconds"}]
    except (AttributeError, KeyError, TypeError):
        return "", None
    if len(numbers) != len(points):
        return "", None
    if kind == "ts_int":
        return kind, integers_from_json(numbers)
    return kind, floats_from_json(numbers) if kind in _HEADS else None


def _read_block(message: Any, kind: str, count: int) -> Any:
    """The numbers, if nothing but points of this kind stands in the message and no number is left out."""
    import numpy as np

    buffer = message.SerializeToString()
    record = _record(kind)
    if len(buffer) != count * record.itemsize:
        return None
    records = np.frombuffer(buffer, record)
    if not (records["head"] == np.void(_HEADS[kind])).all():
        return None
    return records["number"].astype("float64")


def _record(kind: str) -> Any:
    import numpy as np

    return np.dtype([("head", f"V{len(_HEADS[kind])}"), ("number", _NUMBER)])


__all__ = ["points_from_json", "read_points", "write_points"]
