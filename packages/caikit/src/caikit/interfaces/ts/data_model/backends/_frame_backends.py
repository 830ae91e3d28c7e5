"""Time series whose fields come from a data frame when they are read."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import Any

import numpy as np

from caikit.core.data_model.data_backends import DataModelBackendBase

from ._columns import to_sequence
from ._selection import Selection, select
from ._time_axis import row_numbers, to_time_sequence
from .spark_util import is_spark, row_count_of, to_pandas


class FrameBackend(DataModelBackendBase):
    """A frame of pandas or Spark and the parts that its columns play."""

    def __init__(self, data: Any, selection: Selection) -> None:
        self.data = data if is_spark(data) else data.copy(deep=False)
        self.selection = selection
        self._made: dict[str, Any] = {}

    def get_attribute(self, data_model_class: type[Any], name: str) -> Any:
        if name not in self._made:
            self._made[name] = self.make(name)
        return self._made[name]

    def cache_attribute(self, name: str, value: Any) -> bool:
        # Kept here: a value in the object itself is one that somebody has assigned.
        return False

    @abstractmethod
    def make(self, name: str) -> Any:
        """The value of a field of the message."""

    @cached_property
    def frame(self) -> Any:
        """The columns that were selected, in pandas and in the order of the frame."""
        frame = to_pandas(self.data) if is_spark(self.data) else self.data
        selected = self.selection.all
        columns = [column for column in frame.columns if column in selected]
        return frame if len(columns) == len(frame.columns) else frame[columns]

    def __getstate__(self) -> dict[str, Any]:
        # Only what was selected, once, and as pandas: a Spark frame stays where Spark runs.
        kept = {name: value for name, value in vars(self).items() if name != "frame"}
        return {**kept, "data": self.frame, "_made": {}}

    @property
    def row_count(self) -> int:
        if is_spark(self.data) and "frame" not in vars(self):
            return row_count_of(self.data)
        return len(self.frame)

    @property
    def timestamp_label(self) -> str:
        return "" if self.selection.timestamp is None else str(self.selection.timestamp)


class SingleFrameBackend(FrameBackend):
    """One series."""

    def __init__(self, data: Any, selection: Selection, ids: Any = None) -> None:
        super().__init__(data, selection)
        self.ids = ids

    @classmethod
    def over(cls, data: Any, timestamp: Any, values: Any, ids: Any) -> SingleFrameBackend:
        return cls(data, select([*data.columns], None, timestamp, values), ids)

    def make(self, name: str) -> Any:
        frame, selection = self.frame, self.selection
        match name:
            case "time_sequence" if selection.timestamp is None:
                return row_numbers()
            case "time_sequence":
                return to_time_sequence(frame[selection.timestamp])
            case "values":
                return [to_sequence(frame[column]) for column in selection.values]
            case "timestamp_label":
                return self.timestamp_label
            case "value_labels":
                return [str(column) for column in selection.values]
        return self.ids


class SeriesFrameBackend(FrameBackend):
    """One series, or one for each combination of values in the key columns."""

    def __init__(
        self, data: Any, selection: Selection, ids: Any, producer_id: Any, series_class: type[Any]
    ) -> None:
        super().__init__(data, selection)
        self.ids = ids
        self.producer_id = producer_id
        self.series_class = series_class

    def make(self, name: str) -> Any:
        match name:
            case "timeseries":
                return [self.series_class.from_backend(backend) for backend in self._singles()]
            case "id_labels":
                return [str(column) for column in self.selection.keys]
        return self.producer_id

    def _singles(self) -> list[SingleFrameBackend]:
        keys = self.selection.keys
        part = Selection([], self.selection.timestamp, self.selection.values)
        if not keys:
            return [SingleFrameBackend(self.frame, part, self.ids)]
        missing = [column for column in keys if self.frame[column].hasnans]
        if missing:
            raise ValueError(
                f"expected a value in each row of the key columns, some are missing in {missing}"
            )
        try:
            groups = list(self.frame.groupby(keys, sort=True, observed=True))
        except (NotImplementedError, TypeError) as error:
            raise ValueError(
                f"expected key columns that pandas can sort and group by, got {keys}: {error}"
            ) from error
        return [SingleFrameBackend(rows, part, self._ids(key)) for key, rows in groups]

    def _ids(self, key: tuple[Any, ...]) -> Any:
        if all(isinstance(value, (int, np.integer)) and not isinstance(value, bool) for value in key):
            return self.series_class.IntIDSequence([int(value) for value in key])
        return self.series_class.StringIDSequence([str(value) for value in key])


__all__ = ["FrameBackend", "SeriesFrameBackend", "SingleFrameBackend"]
