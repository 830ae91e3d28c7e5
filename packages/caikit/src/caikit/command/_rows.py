"""Files with the items of a data stream, read here and sent along."""

from __future__ import annotations

import csv
import io
import json
from pathlib import PurePath
from typing import Any

from ._errors import UsageError
from ._types import Message, Scalar, Type

_NUMBERS = {"int": int, "float": float}


def read_rows(path: str, content: bytes, item: Type | None, where: str) -> list[Any]:
    """The items in a `.json`, `.jsonl` or `.csv` file; other names are taken for JSON lines."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{where}: {path} is not a text in UTF-8") from None
    match PurePath(path).suffix.lower():
        case ".csv":
            return _read_csv(path, text, item, where)
        case ".json":
            items = _read_json(text, f"{where}: {path}")
            if not isinstance(items, list):
                raise UsageError(f"{where}: expected a JSON array in {path}")
            return items
        case _:
            return read_lines(text, f"{where}: {path}")


def read_lines(text: str, where: str) -> list[Any]:
    """The values of JSON lines; empty lines are none."""
    lines = enumerate(text.split("\n"), 1)
    return [_read_json(line, f"{where}, line {number}") for number, line in lines if line.strip()]


def _read_json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"{where}: expected JSON: {problem}") from None


def _read_csv(path: str, text: str, item: Type | None, where: str) -> list[Any]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    items: list[Any] = []
    try:
        header = next(rows, None)
        for row in rows:
            place = f"{where}: {path}, line {rows.line_num}"
            if not row:
                continue
            if header is None or len(row) != len(header):
                raise UsageError(f"{place}: expected {len(header or ())} columns, got {len(row)}")
            values = {name: _convert(item, name, cell, place) for name, cell in zip(header, row, strict=True)}
            items.append(values if isinstance(item, Message) or item is None else next(iter(values.values())))
    except csv.Error as problem:
        raise UsageError(f"{where}: {path}, line {rows.line_num}: {problem}") from None
    return items


def _convert(item: Type | None, name: str, cell: str, where: str) -> Any:
    field = item.fields.get(name) if isinstance(item, Message) else None
    type_ = field.type if field else item
    if not isinstance(type_, Scalar):
        return cell
    if type_.kind == "bool" and cell.strip().lower() in ("true", "false"):
        return cell.strip().lower() == "true"
    convert = _NUMBERS.get(type_.kind)
    try:
        return convert(cell) if convert else cell
    except ValueError:
        raise UsageError(f"{where}, column {name}: expected {type_}, got {cell!r}") from None
