"""Items out of the files of a multipart form."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import alog

from caikit.core.exceptions import error_handler

from . import _readers
from ._multipart import Part, is_multipart_file, stream_multipart_file
from ._place import Place

log = alog.use_channel("DATSTRM")
error = error_handler.get(log)

_Reader = Callable[[Part, Place], Iterator[Any]]


def multipart_items(filename: str) -> Iterator[Any]:
    return _items_of_parts(filename, Place(filename), _read_csv)


def multipart_elements(filename: str, *, place: Place) -> Iterator[Any]:
    """The same with tables that are checked; the place follows the parts."""
    return _items_of_parts(filename, place, _read_table)


def _items_of_parts(filename: str, place: Place, csv_reader: _Reader) -> Iterator[Any]:
    form = place.name
    for part in stream_multipart_file(filename, form):
        place.name = f"{form}: {part.filename}"
        with part.fp:
            yield from (_reader_of(part) or csv_reader)(part, place)


def check_multipart(filename: str) -> None:
    """Raise ValueError if it is no form, is broken or has a part of a kind that cannot be read."""
    error.value_check("<COR04987251E>", is_multipart_file(filename), "file is not multipart")
    for part in stream_multipart_file(filename):
        part.fp.close()
        _reader_of(part)


def _read_jsonl(part: Part, place: Place) -> Iterator[Any]:
    return _readers.jsonl_items(part.fp, place)


def _read_json(part: Part, place: Place) -> Iterator[Any]:
    return _readers.json_array_items(_readers.as_text(part.fp), place)


def _read_csv(part: Part, place: Place) -> Iterator[Any]:
    return _readers.header_csv_rows(_readers.as_text(part.fp), place, (), {})


def _read_table(part: Part, place: Place) -> Iterator[Any]:
    return _readers.table_rows(_readers.as_text(part.fp), place)


def _reader_of(part: Part) -> _Reader | None:
    """None for a table, which can be read in two ways."""
    extension = os.path.splitext(part.filename)[1].lower()
    kind = part.content_type
    if kind in ("", "application/octet-stream"):
        kind = extension
    if "jsonl" in kind or "ndjson" in kind or ("json" in kind and extension == ".jsonl"):
        return _read_jsonl
    if "json" in kind:
        return _read_json
    if "csv" not in kind:
        problem = ValueError(f"Unsupported content type: {part.content_type or extension}")
        error("<COR04987253E>", problem)
    return None
