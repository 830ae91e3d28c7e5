"""Which columns of a frame play which part."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import alog

from caikit.core.exceptions import error_handler

log = alog.use_channel("TSCOL")
error = error_handler.get(log)


@dataclass(frozen=True)
class Selection:
    """Columns with the keys, with the points in time, and with values."""

    keys: list[Any]
    timestamp: Any | None
    values: list[Any]

    @property
    def all(self) -> list[Any]:
        return [*self.keys, *([] if self.timestamp is None else [self.timestamp]), *self.values]


def select(columns: list[Any], keys: Any, timestamp: Any | None, values: Any) -> Selection:
    """The columns that are named; all others are values, if none are named for that."""
    key_columns = _listed(keys)
    named = {*key_columns, *([] if timestamp is None else [timestamp])}
    value_columns = [c for c in columns if c not in named] if values is None else _listed(values)
    selection = Selection(key_columns, timestamp, value_columns)
    missing = [column for column in selection.all if column not in columns]
    if missing:
        error("<COR30174512E>", ValueError(f"expected columns of the data frame, {columns}, got {missing}"))
    twice = [column for column, count in Counter(selection.all).items() if count > 1]
    twice += [column for column in selection.all if columns.count(column) > 1]
    if twice:
        error(
            "<COR30174513E>", ValueError(f"expected columns with names and parts of their own, got {twice}")
        )
    return selection


def _listed(names: Any) -> list[Any]:
    if names is None:
        return []
    return [names] if isinstance(names, (str, int)) else [*names]


__all__ = ["Selection", "select"]
