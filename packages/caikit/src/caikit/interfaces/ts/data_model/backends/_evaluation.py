"""Evaluations over data frames."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ._frame_backends import FrameBackend
from ._selection import select


class EvaluationBackend(FrameBackend):
    """A frame with columns of ids, of metrics and possibly of offsets."""

    record_class: type[Any]

    @classmethod
    def over(
        cls, frame: Any, ids: Any, metrics: Any, offset: Any, record_class: type[Any]
    ) -> EvaluationBackend:
        backend = cls(frame, select([*frame.columns], ids, offset or None, metrics))
        backend.record_class = record_class
        return backend

    def make(self, name: str) -> Any:
        match name:
            case "records":
                return self._records()
            case "id_cols":
                return [str(column) for column in self.selection.keys]
            case "metric_cols":
                return [str(column) for column in self.selection.values]
        return self.timestamp_label

    def _records(self) -> list[Any]:
        rows = self.frame
        metrics = rows[self.selection.values].to_numpy("float64", na_value=float("nan")).tolist()
        ids = _id_rows(rows[self.selection.keys])
        offset = self.selection.timestamp
        offsets = [None] * len(rows) if offset is None else [row[0] for row in _id_rows(rows[[offset]])]
        return [self.record_class(*parts) for parts in zip(ids, metrics, offsets, strict=True)]


def records_frame(evaluation: Any) -> Any:
    """The frame of an evaluation that is made of records."""
    records = evaluation.records or []
    ids, metrics = [*(evaluation.id_cols or [])], [*(evaluation.metric_cols or [])]
    columns: dict[str, Any] = {}
    for labels, rows in (
        (ids, [[value.value for value in record.id_values or []] for record in records]),
        (metrics, [[*(record.metric_values or [])] for record in records]),
    ):
        wrong = [row for row in rows if len(row) != len(labels)]
        if wrong:
            raise ValueError(f"expected values for the columns {labels} in a record, got {wrong[0]}")
        columns.update(zip(labels, zip(*rows, strict=True) if rows else [[] for _ in labels], strict=True))
    if evaluation.offset_col:
        columns[evaluation.offset_col] = [record.offset and record.offset.value for record in records]
    return pd.DataFrame({label: [*values] for label, values in columns.items()})


def _id_rows(frame: Any) -> list[list[Any]]:
    """Integers and texts, row by row."""
    columns = [frame[name].tolist() for name in frame.columns]
    plain = [[v if isinstance(v, (int, str)) else str(v) for v in column] for column in columns]
    return [[*row] for row in zip(*plain, strict=True)] if plain else [[] for _ in range(len(frame))]


__all__ = ["EvaluationBackend", "records_frame"]
