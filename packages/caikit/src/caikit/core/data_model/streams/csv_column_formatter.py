"""Gathers the columns of CSV rows into lists where lists are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import alog

from caikit.core.exceptions import error_handler

from .data_stream import DataStream

__all__ = ["CSVColumnFormatter"]

log = alog.use_channel("DATCSVF")
error = error_handler.get(log)


class CSVColumnFormatter:
    """Wraps single values of list columns, and gives surplus values to a list in the last column."""

    def __init__(self, expected_columns: Mapping[str, type]) -> None:
        error.type_check("<COR73207470E>", dict, expected_columns=expected_columns)
        error.value_check("<COR73207471E>", expected_columns, "`expected_columns` should be nonempty")
        self.expected_columns = expected_columns
        self._types = list(expected_columns.values())

    def format(self, stream: DataStream[Any]) -> DataStream[Any]:
        """The stream of formatted rows: the same object if no column is a list. Items that are no lists pass."""
        error.type_check("<COR73207472E>", DataStream, stream=stream)
        return stream.map(self._format_item) if list in self._types else stream

    def _format_item(self, item: Any) -> Any:
        if not isinstance(item, list) or len(item) < len(self._types):
            return item
        columns = [
            [value] if expected is list and isinstance(value, (bool, int, float, str)) else value
            for value, expected in zip(item, self._types, strict=False)
        ]
        surplus = item[len(self._types) :]
        if not surplus:
            return columns
        if self._types[-1] is list and isinstance(columns[-1], list):
            return [*columns[:-1], columns[-1] + surplus]
        return columns + surplus
