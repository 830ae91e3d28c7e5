"""Time series over data frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import alog

from caikit.core.data_model import DataObjectBase, FieldNumber, ProducerId, dataobject
from caikit.core.exceptions import error_handler

from ._frames import OverFrame, is_frame
from ._single_timeseries import SingleTimeSeries, id_sequence
from .backends.spark_util import HAVE_PYSPARK
from .package import TS_PACKAGE

if TYPE_CHECKING:
    import pandas as pd

log = alog.use_channel("TSERIES")
error = error_handler.get(log)


@dataobject(TS_PACKAGE)
class TimeSeries(OverFrame, DataObjectBase):
    """One time series, or one for each combination of values in the key columns."""

    _frame_fields = ("timeseries", "id_labels")

    timeseries: Annotated[list[SingleTimeSeries], FieldNumber(1)]
    id_labels: Annotated[list[str], FieldNumber(2)]
    producer_id: Annotated[ProducerId, FieldNumber(3)]

    def __init__(
        self,
        data_frame: Any = None,
        key_column: Any | None = None,
        timestamp_column: Any | None = None,
        value_columns: Any | None = None,
        ids: Any | None = None,
        producer_id: Any = None,
        *,
        timeseries: Any = None,
        id_labels: Any = None,
    ) -> None:
        """Series over a frame of pandas or Spark; or the fields of the message by keyword.

        Columns that play no other part are values. `ids` belong to the one series of a frame without key columns.
        """
        if isinstance(producer_id, tuple):
            producer_id = ProducerId(*producer_id)
        if data_frame is not None and timeseries is not None:
            error("<COR30174520E>", TypeError("expected a data frame or timeseries, got both"))
        if is_frame(data_frame):
            from .backends._frame_backends import SeriesFrameBackend
            from .backends._selection import select

            columns = select([*data_frame.columns], key_column, timestamp_column, value_columns)
            if columns.keys and ids is not None:
                error("<COR30174521E>", ValueError("expected ids or key columns, which hold ids, got both"))
            self._backend = SeriesFrameBackend(
                data_frame, columns, id_sequence(ids), producer_id, SingleTimeSeries
            )
            return
        given = timeseries if data_frame is None else data_frame
        if given is None:
            error("<COR30174522E>", ValueError("expected a data frame or timeseries, got neither"))
        self.timeseries = _series_list(given)
        self.id_labels = [] if id_labels is None else id_labels
        self.producer_id = producer_id

    def as_pandas(self, include_timestamps: bool | None = None, is_multi: bool | None = None) -> pd.DataFrame:
        """The frame of all series.

        With `include_timestamps` rows without a time get numbers; with False times are left out. With `is_multi`
        a frame without key columns gets one, `_TS_RESERVED`, that is 0.
        """
        from .backends._to_frame import SERIES, with_timestamps

        frame, timestamp, keys = self._frame()
        frame = with_timestamps(frame, include_timestamps, timestamp, keys)
        if is_multi and not keys:
            frame = frame.assign(**{SERIES: 0})
        return frame

    def as_spark(self, include_timestamps: bool | None = None, is_multi: bool | None = None) -> Any:
        """The same as a frame of Spark."""
        from .backends._to_spark import as_spark

        return as_spark(self, include_timestamps, is_multi=is_multi)

    def __len__(self) -> int:
        backend = self._frame_backend()
        if backend is not None:
            return int(backend.row_count)
        return sum(map(len, self.timeseries or []))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TimeSeries):
            return NotImplemented
        if [*(self.id_labels or [])] != [*(other.id_labels or [])]:
            return False
        ours, theirs = _by_ids(self), _by_ids(other)
        return ours.keys() == theirs.keys() and all(ours[key] == theirs[key] for key in ours)

    def _frame(self) -> tuple[pd.DataFrame, Any, list[Any]]:
        """The frame, its timestamp column and its key columns."""
        from .backends._to_frame import SERIES, joined_frame

        backend = self._frame_backend()
        if backend is not None:
            return backend.frame, backend.selection.timestamp, backend.selection.keys
        labels = [*(self.id_labels or [])]
        frame, timestamp = joined_frame(self.timeseries, labels)
        numbered = not labels and len(self.timeseries) > 1
        return frame, timestamp, [SERIES] if numbered else labels


def _series_list(given: Any) -> list[SingleTimeSeries]:
    if isinstance(given, SingleTimeSeries):
        return [given]
    if not isinstance(given, (list, tuple)):
        found = type(given).__name__
        error(
            "<COR30174523E>", TypeError(f"expected a data frame or a list of SingleTimeSeries, got {found}")
        )
    for series in given:
        if not isinstance(series, SingleTimeSeries):
            found = type(series).__name__
            error("<COR30174524E>", TypeError(f"expected SingleTimeSeries in timeseries, got {found}"))
    return [*given]


def _by_ids(data: TimeSeries) -> dict[Any, SingleTimeSeries]:
    """The series by their ids, and by their position where several have the same ids."""
    from .backends._to_frame import id_values

    found: dict[Any, SingleTimeSeries] = {}
    for position, series in enumerate(data.timeseries or []):
        key = tuple(id_values(series))
        found[(key, position) if (key, None) in found else (key, None)] = series
    return found


__all__ = ["HAVE_PYSPARK", "SingleTimeSeries", "TimeSeries"]
