"""Points in time and durations, one by one and in sequences."""

from __future__ import annotations

import datetime
from typing import Annotated, Any

from caikit.core.data_model import DataObjectBase, FieldNumber, OneofField, dataobject
from caikit.core.data_model.data_backends import DataModelBackendBase

from . import _point_wire as wire
from ._arrays import has_value
from ._json_numbers import NonFiniteAsText, json_numbers
from .package import TS_PACKAGE

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


@dataobject(TS_PACKAGE)
class Seconds(NonFiniteAsText, DataObjectBase):
    """Seconds since the beginning of 1970 in UTC, or the length of something; they have fractions."""

    seconds: Annotated[float, FieldNumber(1)]

    def as_datetime(self) -> datetime.datetime:
        """The point in time, in UTC; OverflowError outside the years 1 to 9999."""
        return _EPOCH + self.as_timedelta()

    def as_timedelta(self) -> datetime.timedelta:
        """The length, to the microsecond; ValueError for NaN, OverflowError for what is longer than a timedelta."""
        return datetime.timedelta(seconds=self.seconds)

    @classmethod
    def from_datetime(cls, time_point: datetime.datetime) -> Seconds:
        """The seconds since 1970; a datetime without zone is local time."""
        return cls(time_point.timestamp())

    @classmethod
    def from_timedelta(cls, time_delta: datetime.timedelta) -> Seconds:
        """The seconds of a length of time."""
        return cls(time_delta.total_seconds())


@dataobject(TS_PACKAGE)
class TimePoint(NonFiniteAsText, DataObjectBase):
    """A point in time: a number on an axis of its own, or seconds since 1970."""

    time: (
        Annotated[int, OneofField("ts_int"), FieldNumber(1)]
        | Annotated[float, OneofField("ts_float"), FieldNumber(2)]
        | Annotated[Seconds, OneofField("ts_epoch"), FieldNumber(3)]
    )


@dataobject(TS_PACKAGE)
class TimeDuration(NonFiniteAsText, DataObjectBase):
    """A length of time: a number, the name of a frequency in pandas, or seconds."""

    time: (
        Annotated[int, OneofField("dt_int"), FieldNumber(1)]
        | Annotated[float, OneofField("dt_float"), FieldNumber(2)]
        | Annotated[str, OneofField("dt_str"), FieldNumber(3)]
        | Annotated[Seconds, OneofField("dt_sec"), FieldNumber(4)]
    )


@dataobject(TS_PACKAGE)
class PeriodicTimeSequence(DataObjectBase):
    """Points at equal distances."""

    start_time: Annotated[TimePoint, FieldNumber(1)]
    period_length: Annotated[TimeDuration, FieldNumber(2)]


class PointsBackend(DataModelBackendBase):
    """Points over an array of numbers; `kind` is the union member that holds them."""

    def __init__(self, kind: str, array: Any) -> None:
        self.kind = kind
        self.array = array

    def get_attribute(self, data_model_class: type[Any], name: str) -> list[TimePoint]:
        numbers = self.array.tolist()
        if self.kind == "ts_epoch":
            return [TimePoint(Seconds(number)) for number in numbers]
        return [TimePoint(number) for number in numbers]


@dataobject(TS_PACKAGE)
class PointTimeSequence(DataObjectBase):
    """Points at any distances."""

    points: Annotated[list[TimePoint], FieldNumber(1)]

    @classmethod
    def over(cls, kind: str, array: Any) -> PointTimeSequence:
        """Points of one kind, `ts_int`, `ts_float` or `ts_epoch`, over an array, which is not copied."""
        return cls.from_backend(PointsBackend(kind, array))

    def numbers(self) -> tuple[str, Any]:
        """The kind of the points and an array of their numbers."""
        return self._held() or _numbers_of(self.points or [])

    def fill_proto(self, proto: Any) -> Any:
        held = self._held()
        if held is None:
            return super().fill_proto(proto)
        wire.write_points(proto, *held)
        return proto

    @classmethod
    def from_proto(cls, proto: Any) -> PointTimeSequence:
        read = wire.read_points(proto)
        return super().from_proto(proto) if read is None else cls.over(*read)

    def to_dict(self) -> dict[str, Any]:
        held = self._held()
        if held is None:
            return super().to_dict()
        kind, array = held
        if kind == "ts_epoch":
            return {"points": [{kind: {"seconds": number}} for number in json_numbers(array)]}
        return {"points": [{kind: number} for number in json_numbers(array)]}

    @classmethod
    def from_json(
        cls, json_str: str | dict[str, Any], ignore_unknown_fields: bool = False
    ) -> PointTimeSequence:
        if isinstance(json_str, dict) and json_str.keys() == {"points"}:
            kind, array = wire.points_from_json(json_str["points"])
            if array is not None:
                return cls.over(kind, array)
        return super().from_json(json_str, ignore_unknown_fields)

    def _held(self) -> tuple[str, Any] | None:
        backend = self.backend
        if isinstance(backend, PointsBackend) and not has_value(self, "points"):
            return backend.kind, backend.array
        return None


def _numbers_of(points: list[TimePoint]) -> tuple[str, Any]:
    import numpy as np

    times: list[Any] = [point.time for point in points]
    kinds = set(map(type, times))
    if kinds == {Seconds}:
        return "ts_epoch", np.array([time.seconds for time in times], dtype="float64")
    if Seconds in kinds or type(None) in kinds:
        raise ValueError("expected points in time of one kind, got numbers, times or nothing in one sequence")
    return (
        ("ts_float", np.array(times, "float64")) if float in kinds else ("ts_int", np.array(times, "int64"))
    )


__all__ = [
    "PeriodicTimeSequence",
    "PointTimeSequence",
    "Seconds",
    "TimeDuration",
    "TimePoint",
]
