"""Generators over files and folders; module functions, so that streams of them can be pickled.

`shown_name` is what errors call the file if they shall not tell its path.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from . import _readers


def txt_lines(filename: str) -> Iterator[str]:
    with open(filename, encoding="utf-8") as text:
        for line in text:
            yield line.rstrip("\r\n")


def jsonl_items(filename: str, *, shown_name: str | None = None) -> Iterator[Any]:
    with open(filename, "rb") as binary:
        yield from _readers.jsonl_items(binary, shown_name or filename)


def json_array_items(filename: str, *, shown_name: str | None = None) -> Iterator[Any]:
    with open(filename, encoding="utf-8-sig") as text:
        yield from _readers.json_array_items(text, shown_name or filename)


def json_document(filename: str, *, shown_name: str | None = None) -> Iterator[Any]:
    with open(filename, encoding="utf-8-sig") as text:
        yield _readers.json_document(text, shown_name or filename)


def csv_rows(filename: str, skip: int, *args: Any, **kwargs: Any) -> Iterator[list[str]]:
    with open(filename, encoding="utf-8-sig", newline="") as text:
        yield from _readers.csv_rows(text, filename, skip, args, kwargs)


def header_csv_rows(
    filename: str, *args: Any, shown_name: str | None = None, **kwargs: Any
) -> Iterator[dict[str, str]]:
    with open(filename, encoding="utf-8-sig", newline="") as text:
        yield from _readers.header_csv_rows(text, shown_name or filename, args, kwargs)


def txt_collection(dirname: str, extension: str) -> Iterator[str]:
    for filename in _sorted_files(dirname, extension):
        with open(filename, encoding="utf-8") as text:
            yield text.read()


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
