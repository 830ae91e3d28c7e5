"""Checks the items of a stream while they pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import alog

from caikit.core.exceptions import DataValidationError, error_handler

from .data_stream import DataStream

__all__ = ["DataStreamValidator"]

log = alog.use_channel("DATVALD")
error = error_handler.get(log)


class DataStreamValidator:
    """Raises DataValidationError, with the number of the item, for items that lack keys or have wrong types."""

    def __init__(self, expected_keys: Mapping[str, type]) -> None:
        error.type_check("<COR73207480E>", dict, expected_keys=expected_keys)
        error.type_check_all("<COR73207481E>", str, expected_keys=expected_keys)
        error.value_check("<COR73207482E>", expected_keys, "`expected_keys` should be nonempty")
        self.expected_keys = expected_keys

    def validate(self, stream: DataStream[Any]) -> DataStream[Any]:
        """The same items; reading it raises DataValidationError with the reason and the number, from 0, of the item."""
        error.type_check("<COR73207483E>", DataStream, stream=stream)
        return DataStream(self._checked, stream)

    def _checked(self, stream: DataStream[Any]) -> Iterator[Any]:
        for number, item in enumerate(stream):
            if isinstance(item, dict):
                self._check_dict(item, number)
            elif isinstance(item, (list, tuple)):
                self._check_sequence(item, number)
            else:
                _fail(f"This data item of type {type(item)} cannot be converted :(", number)
            yield item

    def _check_dict(self, item: dict[str, Any], number: int) -> None:
        missing = [repr(key) for key in self.expected_keys if key not in item]
        if missing:
            _fail(f"Data item is missing required key(s): {{{', '.join(missing)}}} ", number)
        for key, expected in self.expected_keys.items():
            if not isinstance(item[key], expected):
                found = type(item[key])
                _fail(f"Expected {key} in data item to be of type {expected}, but got {found}", number)

    def _check_sequence(self, item: list[Any] | tuple[Any, ...], number: int) -> None:
        if len(item) != len(self.expected_keys):
            wanted = len(self.expected_keys)
            _fail(f"Expected data item to have {wanted} elements but contained {len(item)} elements", number)
        for position, (value, expected) in enumerate(zip(item, self.expected_keys.values(), strict=True)):
            if not isinstance(value, expected):
                found = type(value)
                _fail(
                    f"Expected element {position} in data item to be of type {expected}, but got {found}",
                    number,
                )


def _fail(reason: str, number: int) -> NoReturn:
    error.log_raise("<COR73207484E>", DataValidationError(reason, number))
