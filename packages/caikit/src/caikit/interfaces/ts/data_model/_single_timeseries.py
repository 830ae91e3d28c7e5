"""One time series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from caikit.core.data_model import DataObjectBase, FieldNumber, OneofField, dataobject

from ._frames import OverFrame, check_items, is_frame
from .package import TS_PACKAGE
from .time_types import PeriodicTimeSequence, PointTimeSequence, ValueSequence

if TYPE_CHECKING:
    import pandas as pd


@dataobject(TS_PACKAGE)
class SingleTimeSeries(OverFrame, DataObjectBase):
    """Columns of values over one time axis."""

    _frame_fields = ("_oneof_time_sequence", "values", "timestamp_label", "value_labels")

    @dataobject(TS_PACKAGE)
    class StringIDSequence(DataObjectBase):
        """The values of the key columns, if one of them is no integer."""

        values: Annotated[list[str], FieldNumber(1)]

    @dataobject(TS_PACKAGE)
    class IntIDSequence(DataObjectBase):
        """The values of the key columns, if all of them are integers."""

        values: Annotated[list[int], FieldNumber(1)]

    time_sequence: (
        Annotated[PeriodicTimeSequence, OneofField("time_period"), FieldNumber(10)]
        | Annotated[PointTimeSequence, OneofField("time_points"), FieldNumber(20)]
    )
    values: Annotated[list[ValueSequence], FieldNumber(1)]
    timestamp_label: Annotated[str, FieldNumber(2)]
    value_labels: Annotated[list[str], FieldNumber(3)]
    ids: (
        Annotated[IntIDSequence, OneofField("id_int"), FieldNumber(30)]
        | Annotated[StringIDSequence, OneofField("id_str"), FieldNumber(40)]
    )

    def __init__(
        self,
        data_frame: Any = None,
        timestamp_column: Any | None = None,
        value_columns: Any | None = None,
        ids: Any | None = None,
        **fields: Any,
    ) -> None:
        """A series over a frame of pandas or Spark; or one of the fields of the message, by keyword.

        Columns that play no other part are values. `ids` are integers or texts.
        """
        self._which = None
        ids = id_sequence(ids)
        if data_frame is None:
            self._set_fields(ids, fields)
            return
        if not is_frame(data_frame):
            raise NotImplementedError(
                f"expected a data frame of pandas or Spark for a time series, got {type(data_frame).__name__}"
            )
        if fields:
            raise TypeError(f"expected a data frame or fields for a time series, got both: {sorted(fields)}")
        from .backends._frame_backends import SingleFrameBackend

        self._backend = SingleFrameBackend.over(data_frame, timestamp_column, value_columns, ids)

    def _set_fields(self, ids: Any, fields: dict[str, Any]) -> None:
        unknown = fields.keys() - _FIELDS
        if unknown:
            raise TypeError(f"SingleTimeSeries() got an unexpected keyword argument {min(unknown)!r}")
        for union, members in _UNIONS.items():
            given = [name for name in (union, *members) if fields.get(name) is not None]
            given += ["ids"] if union == "ids" and ids is not None else []
            if len(given) > 1:
                raise TypeError(f"Received multiple keyword arguments for oneof {union}: {given}")
        check_items("values of a time series", ValueSequence, fields.get("values"))
        for name in ("time_sequence", "values", "timestamp_label", "value_labels"):
            setattr(self, name, fields.get(name))
        self.ids = ids
        for members in _UNIONS.values():
            for name in members:
                if fields.get(name) is not None:
                    setattr(self, name, fields[name])

    def as_pandas(self, include_timestamps: bool | None = None) -> pd.DataFrame:
        """The frame. With `include_timestamps` rows without a time get numbers; with False times are left out."""
        from .backends._to_frame import with_timestamps

        frame, timestamp = self._frame()
        return with_timestamps(frame, include_timestamps, timestamp, [])

    def as_spark(self, include_timestamps: bool | None = None) -> Any:
        """The same as a frame of Spark."""
        from .backends._to_spark import as_spark

        return as_spark(self, include_timestamps)

    def __len__(self) -> int:
        backend = self._frame_backend()
        if backend is not None:
            return int(backend.row_count)
        from .backends._columns import row_count

        return row_count(self.values[0]) if self.values else 0

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SingleTimeSeries):
            return NotImplemented
        from .backends._equality import same_frame
        from .backends._to_frame import id_values

        if id_values(self) != id_values(other) or len(self) != len(other):
            return False
        ours, theirs = self._frame(), other._frame()
        return same_frame(ours[0], theirs[0], ours[1], theirs[1])

    def _frame(self) -> tuple[pd.DataFrame, Any]:
        from .backends._to_frame import single_frame

        backend = self._frame_backend()
        if backend is not None:
            return backend.frame, backend.selection.timestamp
        return single_frame(self)


def id_sequence(ids: Any) -> Any:
    """Integers or texts, one or several, as the message has them."""
    if ids is None or isinstance(ids, (SingleTimeSeries.IntIDSequence, SingleTimeSeries.StringIDSequence)):
        return ids
    values = [ids] if isinstance(ids, (int, str)) else [*ids]
    if all(isinstance(value, str) for value in values) and values:
        return SingleTimeSeries.StringIDSequence(values)
    return SingleTimeSeries.IntIDSequence([int(value) for value in values])


_UNIONS = {"time_sequence": ("time_period", "time_points"), "ids": ("id_int", "id_str")}
_FIELDS = frozenset(
    (
        "time_sequence",
        "time_period",
        "time_points",
        "values",
        "timestamp_label",
        "value_labels",
        "id_int",
        "id_str",
    )
)

__all__ = ["SingleTimeSeries", "id_sequence"]
