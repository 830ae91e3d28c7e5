"""Turns opened files into items. `name` is what errors call the file."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator
from typing import IO, Any, TextIO

import alog

from caikit.core.exceptions import error_handler

from ._json_array import DECODER, json_array_items

log = alog.use_channel("DATSTRM")
error = error_handler.get(log)

_SHOWN_OF_A_LINE = 200
_BOM = b"\xef\xbb\xbf"


def as_text(binary: IO[bytes]) -> TextIO:
    """UTF-8 text with the line ends left alone, as the csv module wants it."""
    return io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")


def jsonl_items(binary: IO[bytes], name: str) -> Iterator[Any]:
    for number, line in enumerate(binary, start=1):
        if number == 1:
            line = line.removeprefix(_BOM)
        text = line.decode("utf-8").strip()
        if text:
            yield _parsed_line(text, line, f"{name}, line {number}")


def _parsed_line(text: str, line: bytes, place: str) -> Any:
    try:
        return DECODER.decode(text)
    except (ValueError, RecursionError) as problem:
        reason = problem.msg if isinstance(problem, json.JSONDecodeError) else str(problem)
        shown = line if len(line) <= _SHOWN_OF_A_LINE else line[:_SHOWN_OF_A_LINE] + b"..."
        message = f"Invalid JSON object in `{shown!r}`, error: {reason} ({place})"
        error.log_raise("<COR55596551E>", ValueError(message), problem)


def json_document(text: TextIO, name: str) -> Any:
    try:
        return DECODER.decode(text.read())
    except (ValueError, RecursionError) as problem:
        if isinstance(problem, UnicodeDecodeError):
            raise
        message = f"Invalid JSON object in `{name}`: {problem}"
        error.log_raise("<COR55596554E>", ValueError(message), problem)


def csv_rows(
    text: TextIO, name: str, skip: int, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[list[str]]:
    reader = csv.reader(itertools.islice(text, skip, None), *args, **kwargs)
    try:
        yield from reader
    except csv.Error as problem:
        _raise_csv_error(problem, name, skip + reader.line_num)


def header_csv_rows(
    text: TextIO, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[dict[str, str]]:
    reader = csv.DictReader(text, *args, **kwargs)
    try:
        yield from reader
    except csv.Error as problem:
        _raise_csv_error(problem, name, reader.line_num)


def _raise_csv_error(problem: csv.Error, name: str, line: int) -> None:
    error.log_raise("<COR55596555E>", csv.Error(f"Invalid CSV in `{name}`: {problem} (line {line})"), problem)


__all__ = [
    "as_text",
    "csv_rows",
    "header_csv_rows",
    "json_array_items",
    "json_document",
    "jsonl_items",
]
