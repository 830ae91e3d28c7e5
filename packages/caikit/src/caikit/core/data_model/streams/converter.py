"""Brings the items of a stream into one shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import alog

from caikit.core.exceptions import error_handler

from .data_stream import DataStream

__all__ = ["DataStreamConverter"]

log = alog.use_channel("DATCONV")
error = error_handler.get(log)


class DataStreamConverter:
    """Turns dicts, lists and tuples into dicts or lists, with the keys in the order of `key_list`."""

    def __init__(self, target_type: type, key_list: Sequence[str]) -> None:
        error.type_check("<COR73207460E>", type, target_type=target_type)
        error.type_check_all("<COR73207461E>", str, key_list=key_list)
        error.value_check("<COR73207462E>", key_list, "`key_list` should be nonempty")
        if target_type not in (dict, list):
            message = f"Conversion of stream data items to type {target_type} not supported"
            error("<COR73207463E>", ValueError(message))
        self.target_type = target_type
        self.key_list = list(key_list)

    def convert(self, stream: DataStream[Any]) -> DataStream[Any]:
        """The stream of converted items; reading it raises KeyError or IndexError for items that lack a value.

        Dicts stay as they are for the target `dict`; elements beyond the last key of `key_list` are dropped from lists.
        """
        error.type_check("<COR73207464E>", DataStream, stream=stream)
        return stream.map(self._to_dict if self.target_type is dict else self._to_list)

    def _to_list(self, item: Any) -> list[Any]:
        if isinstance(item, dict):
            return [item[key] for key in self.key_list]
        if isinstance(item, list):
            return item
        error.type_check("<COR73207465E>", dict, list, tuple, item=item)
        return list(item)

    def _to_dict(self, item: Any) -> dict[str, Any]:
        if isinstance(item, dict):
            return item
        error.type_check("<COR73207466E>", dict, list, tuple, item=item)
        return {key: item[position] for position, key in enumerate(self.key_list)}
