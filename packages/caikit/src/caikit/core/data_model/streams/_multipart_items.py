"""Items out of the files of a multipart form."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import alog

from caikit.core.exceptions import error_handler

from . import _readers
from ._multipart import Part, is_multipart_file, stream_multipart_file

log = alog.use_channel("DATSTRM")
error = error_handler.get(log)

_Reader = Callable[[Part, str], Iterator[Any]]


def multipart_items(filename: str, *, shown_name: str | None = None) -> Iterator[Any]:
    for part in stream_multipart_file(filename):
        with part.fp:
            yield from _reader_of(part)(part, f"{shown_name or filename}: {part.filename}")


def check_multipart(filename: str) -> None:
    """Raise ValueError if it is no form, is broken or has a part of a kind that cannot be read."""
    error.value_check("<COR04987251E>", is_multipart_file(filename), "file is not multipart")
    for part in stream_multipart_file(filename):
        part.fp.close()
        _reader_of(part)


def _read_jsonl(part: Part, name: str) -> Iterator[Any]:
    return _readers.jsonl_items(part.fp, name)


def _read_json(part: Part, name: str) -> Iterator[Any]:
    return _readers.json_array_items(_readers.as_text(part.fp), name)


def _read_csv(part: Part, name: str) -> Iterator[Any]:
    return _readers.header_csv_rows(_readers.as_text(part.fp), name, (), {})


def _reader_of(part: Part) -> _Reader:
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
    return _read_csv
