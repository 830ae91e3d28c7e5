"""Generators over files and folders; module functions, so that streams of them can be pickled.

A `place` is handed in by those who want another name in errors than the path, or the position of each item.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from . import _readers
from ._place import Place


def txt_lines(filename: str) -> Iterator[str]:
    with open(filename, encoding="utf-8") as text:
        yield from _readers.txt_lines(text, Place(filename))


def jsonl_items(filename: str, *, place: Place | None = None) -> Iterator[Any]:
    with open(filename, "rb") as binary:
        yield from _readers.jsonl_items(binary, place or Place(filename))


def json_array_items(filename: str, *, place: Place | None = None) -> Iterator[Any]:
    with open(filename, "rb") as binary, _readers.as_text(binary) as text:
        yield from _readers.json_array_items(text, place or Place(filename))


def json_document(filename: str, *, place: Place | None = None) -> Iterator[Any]:
    with open(filename, "rb") as binary, _readers.as_text(binary) as text:
        yield _readers.json_document(text, place or Place(filename))


def csv_rows(filename: str, skip: int, *args: Any, **kwargs: Any) -> Iterator[list[str]]:
    with open(filename, "rb") as binary, _readers.as_text(binary) as text:
        yield from _readers.csv_rows(text, Place(filename), skip, args, kwargs)


def header_csv_rows(filename: str, *args: Any, **kwargs: Any) -> Iterator[dict[str, str]]:
    with open(filename, "rb") as binary, _readers.as_text(binary) as text:
        yield from _readers.header_csv_rows(text, Place(filename), args, kwargs)


def table_rows(filename: str, *, place: Place | None = None) -> Iterator[dict[str, str]]:
    with open(filename, "rb") as binary, _readers.as_text(binary) as text:
        yield from _readers.table_rows(text, place or Place(filename))


def txt_collection(dirname: str, extension: str) -> Iterator[str]:
    for filename in _sorted_files(dirname, extension):
        with open(filename, encoding="utf-8") as text:
            yield _readers.whole_text(text, Place(filename))


def json_collection(dirname: str, extension: str) -> Iterator[Any]:
    for filename in _sorted_files(dirname, extension):
        yield from json_document(filename)


def csv_collection(dirname: str) -> Iterator[dict[str, str]]:
    for filename in _sorted_files(dirname, "csv"):
        yield from header_csv_rows(filename)


def jsonl_collection(dirname: str) -> Iterator[Any]:
    for filename in _sorted_files(dirname, "jsonl"):
        yield from jsonl_items(filename)


def _sorted_files(dirname: str, extension: str) -> list[str]:
    suffix = "." + extension.lstrip(".")
    with os.scandir(dirname) as entries:
        return sorted(
            entry.path
            for entry in entries
            if entry.name.endswith(suffix) and not entry.name.startswith(".") and entry.is_file()
        )
