"""Turns opened files into items. A `Place` has the name that errors give the file, and is kept up to date."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator
from typing import IO, Any, NoReturn, TextIO

import alog

from caikit.core.exceptions import error_handler

from ._json_array import DECODER, json_array_items
from ._place import Place, find_undecodable, undecodable

log = alog.use_channel("DATSTRM")
error = error_handler.get(log)

_SHOWN_OF_A_LINE = 200
_BOM = b"\xef\xbb\xbf"


def as_text(binary: IO[bytes]) -> TextIO:
    """UTF-8 text with the line ends left alone, as the csv module wants it."""
    return io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")


def txt_lines(text: TextIO, place: Place) -> Iterator[str]:
    try:
        for line in text:
            yield line.rstrip("\r\n")
    except UnicodeDecodeError as problem:
        raise find_undecodable(text, place, problem) from None


def whole_text(text: TextIO, place: Place) -> str:
    try:
        return text.read()
    except UnicodeDecodeError as problem:
        raise find_undecodable(text, place, problem) from None


def jsonl_items(binary: IO[bytes], place: Place) -> Iterator[Any]:
    number = 0
    place.position = lambda: f"line {number}"
    for number, line in enumerate(binary, start=1):
        text = _line_text(line, number, place)
        if text:
            yield _parsed_line(text, line, number, place)


def _line_text(line: bytes, number: int, place: Place) -> str:
    try:
        return (line.removeprefix(_BOM) if number == 1 else line).decode("utf-8").strip()
    except UnicodeDecodeError as problem:
        raise undecodable(problem, f"{place.name}, line {number}") from None


def _parsed_line(text: str, line: bytes, number: int, place: Place) -> Any:
    try:
        value, end = DECODER.raw_decode(text)
    except (ValueError, RecursionError) as problem:
        _refuse_line(problem, line, f"{place.name}, line {number}")
    if end < len(text):
        rest = len(text) - len(text[end:].lstrip())
        _refuse_line(json.JSONDecodeError("Extra data", text, rest), line, f"{place.name}, line {number}")
    return value


def _refuse_line(problem: Exception, line: bytes, where: str) -> NoReturn:
    reason = str(problem)
    if isinstance(problem, json.JSONDecodeError):
        reason = problem.msg
        indented = len(line) - len(line.lstrip())
        where += f", column {indented + problem.colno}"
    shown = line if len(line) <= _SHOWN_OF_A_LINE else line[:_SHOWN_OF_A_LINE] + b"..."
    message = f"Invalid JSON object in `{shown!r}`, error: {reason} ({where})"
    error.log_raise("<COR55596551E>", ValueError(message), problem)


def json_document(text: TextIO, place: Place) -> Any:
    content = whole_text(text, place)
    try:
        return DECODER.decode(content)
    except (ValueError, RecursionError) as problem:
        message = f"Invalid JSON object in `{place.name}`: {problem}"
        error.log_raise("<COR55596554E>", ValueError(message), problem)


def csv_rows(
    text: TextIO, place: Place, skip: int, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[list[str]]:
    reader = csv.reader(itertools.islice(text, skip, None), *args, **kwargs)
    place.position = lambda: f"line {skip + reader.line_num}"
    return _checked_rows(reader, text, place)


def header_csv_rows(
    text: TextIO, place: Place, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[dict[str, str]]:
    reader = csv.DictReader(text, *args, **kwargs)
    place.position = lambda: f"line {reader.line_num}"
    return _checked_rows(reader, text, place)


def table_rows(text: TextIO, place: Place) -> Iterator[dict[str, str]]:
    """Rows below a header, all of one length; quotes must be where CSV allows them."""
    reader = csv.reader(text, strict=True)
    place.position = lambda: f"line {reader.line_num}"
    rows = _checked_rows(reader, text, place)
    header: list[str] = next(rows, [])
    repeated = next((name for name in header if header.count(name) > 1), None)
    if repeated is not None:
        _raise_csv_error(f"the column {repeated!r} stands twice in the header", place)
    for row in rows:
        if len(row) == len(header):
            yield dict(zip(header, row, strict=True))
        elif row:
            _raise_csv_error(f"expected {len(header)} columns as in the header, got {len(row)}", place)


def _checked_rows(rows: Iterator[Any], text: TextIO, place: Place) -> Iterator[Any]:
    try:
        yield from rows
    except csv.Error as problem:
        _raise_csv_error(problem, place, problem)
    except UnicodeDecodeError as problem:
        raise find_undecodable(text, place, problem) from None


def _raise_csv_error(reason: object, place: Place, root: Exception | None = None) -> NoReturn:
    message = place.describe(f"Invalid CSV in `{place.name}`: {reason}")
    error.log_raise("<COR55596555E>", csv.Error(message), root)


__all__ = [
    "as_text",
    "csv_rows",
    "header_csv_rows",
    "json_array_items",
    "json_document",
    "jsonl_items",
    "table_rows",
    "txt_lines",
    "whole_text",
]
