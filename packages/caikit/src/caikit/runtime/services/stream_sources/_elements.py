"""Files as streams of elements."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from typing import Any

import alog

from caikit.core.data_model import DataStream
from caikit.core.data_model.streams import _files
from caikit.core.data_model.streams._multipart_items import check_multipart, multipart_elements
from caikit.core.data_model.streams._place import Place
from caikit.runtime.engine.status import Status
from caikit.runtime.services._errors import runtime_error
from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

from ._parse import element_parser
from ._paths import check_path, source_path, where_names_begin

__all__ = ["directory_stream", "file_stream", "inline_stream"]

log = alog.use_channel("STREAM-SRC")

_Reader = Callable[..., Iterator[Any]]

_READERS: dict[str, _Reader] = {
    ".json": _files.json_array_items,
    ".jsonl": _files.jsonl_items,
    ".csv": _files.table_rows,
}
_EXTENSIONS = ".json, .jsonl or .csv"
# Tried in this order for files that have no extension.
_GUESSES: tuple[_Reader, ...] = (
    _files.json_array_items,
    _files.jsonl_items,
    multipart_elements,
    _files.table_rows,
)


def inline_stream(elements: list[Any] | None) -> DataStream[Any]:
    return DataStream.from_iterable(elements or [])


def file_stream(name: str | None, element_type: type[Any]) -> DataStream[Any]:
    """The elements of one file, read as its extension says."""
    name = name or ""
    extension = os.path.splitext(name)[1]
    if not name:
        raise _invalid("Invalid data source file: expected its name, got none")
    path = source_path(name)
    if not os.path.isfile(path):
        what = f"{extension} data" if extension else "data"
        found = " (expected a file, it is a folder)" if os.path.isdir(path) else ""
        if not os.path.lexists(path):
            # In the log, which clients of a training can read: programs rely on the text of the error.
            log.warning("<RUN66854458W>", "There is no file `%s`: %s", name, where_names_begin())
        raise _invalid(f"Invalid {what} source file: {name}{found}")
    if not extension:
        return _guessed_stream(name, path, element_type)
    reader = _READERS.get(extension.lower())
    if reader is None:
        raise _invalid(f"Extension not supported! {extension} (expected {_EXTENSIONS}, or none, got {name})")
    return _stream(reader, name, path, element_type)


def directory_stream(name: str | None, extension: str | None, element_type: type[Any]) -> DataStream[Any]:
    """The elements of all files of a folder that have the extension, in order of their names."""
    name, extension = name or "", extension or "json"
    path = source_path(name)
    if not name or not os.path.isdir(path):
        found = " (expected a folder, it is a file)" if name and os.path.exists(path) else ""
        raise _invalid(f"Invalid {extension} directory source file: {name}{found}")
    files = _files_of(name, path, extension)
    if not files:
        raise _invalid(f"directory {name} contains no source files with extension {extension}")
    reader = _files.json_document if extension == "json" else _READERS.get(f".{extension}")
    if reader is None:
        raise _invalid(f"Extension not supported! {extension} (expected {_EXTENSIONS}, for folder {name})")
    return DataStream.chain(*(_stream(reader, *file, element_type) for file in files))


def _files_of(name: str, path: str, extension: str) -> list[tuple[str, str]]:
    """Name as in the request, and path, of each file."""
    with os.scandir(path) as entries:
        names = sorted(
            entry.name for entry in entries if entry.name.endswith(f".{extension}") and entry.is_file()
        )
    for file in names:
        check_path(os.path.join(name, file))
    return [(os.path.join(name, file), os.path.join(path, file)) for file in names]


def _stream(reader: _Reader, name: str, path: str, element_type: type[Any]) -> DataStream[Any]:
    return DataStream(_elements, reader, name, path, element_type, set())


def _elements(
    reader: _Reader, name: str, path: str, element_type: type[Any], told: set[str]
) -> Iterator[Any]:
    """The elements in a file; errors call it as the client did and do not tell where the server keeps it."""
    place = Place(name)

    def notice(sentence: str) -> None:
        if sentence not in told:  # by an earlier pass over the file
            told.add(sentence)
            log.warning("<RUN66854457W>", "`%s`: %s", place.name, sentence)

    parse = element_parser(element_type, notice)
    for item in _items(reader, place, path):
        try:
            element = parse(item)
        except ValueError as problem:
            message = f"Invalid {element_type.__name__} in `{place.name}`: {problem}"
            raise _invalid(place.describe(message)) from problem
        yield element


def _items(reader: _Reader, place: Place, path: str) -> Iterator[Any]:
    try:
        yield from reader(path, place=place)
    except OSError as problem:
        raise _invalid(f"Unable to read data source file {place.name}: {problem.strerror}") from problem
    except (ValueError, csv.Error) as problem:
        raise _invalid(str(problem)) from problem


def _guessed_stream(name: str, path: str, element_type: type[Any]) -> DataStream[Any]:
    for reader in _GUESSES:
        try:
            if reader is multipart_elements:
                check_multipart(path)
            stream = _stream(reader, name, path, element_type)
            stream.peek()
        except (CaikitRuntimeException, IndexError, OSError, ValueError):
            continue
        return stream
    raise _invalid(
        f"Could not load input file with no extension: {name} (expected a JSON array, JSON lines, a multipart form "
        f"or CSV, with items that are {element_type.__name__})"
    )


def _invalid(message: str) -> Exception:
    return runtime_error(Status.INVALID_ARGUMENT, message)
