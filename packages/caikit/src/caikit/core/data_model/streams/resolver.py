"""From a file or a stream to a stream of checked items in one shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import alog

from caikit.core.exceptions import error_handler

from .converter import DataStreamConverter
from .csv_column_formatter import CSVColumnFormatter
from .data_stream import DataStream
from .validator import DataStreamValidator

__all__ = ["DataStreamResolver"]

log = alog.use_channel("DATRSLV")
error = error_handler.get(log)


class DataStreamResolver:
    """Formats, checks and converts, in this order."""

    def __init__(self, target_stream_type: type, expected_keys: Mapping[str, type]) -> None:
        error.type_check("<COR73207490E>", type, target_stream_type=target_stream_type)
        error.type_check("<COR73207491E>", dict, expected_keys=expected_keys)
        self._formatter = CSVColumnFormatter(expected_keys)
        self._validator = DataStreamValidator(expected_keys)
        self._converter = DataStreamConverter(target_stream_type, list(expected_keys))

    def as_data_stream(self, file_or_data_stream: str | DataStream[Any]) -> DataStream[Any]:
        """The checked items of a stream, or of a file that is read as its extension says.

        A file that does not exist raises FileNotFoundError here, an item that does not fit DataValidationError when it
        is read. Values of a CSV file are text, so they fit no other type than `str` and `list`.
        """
        error.type_check("<COR73207492E>", str, DataStream, file_or_data_stream=file_or_data_stream)
        if isinstance(file_or_data_stream, str):
            stream = DataStream.from_file(file_or_data_stream)
        else:
            stream = file_or_data_stream
        return self._converter.convert(self._validator.validate(self._formatter.format(stream)))
