"""`name=value` on the command line, as values of the types that a request has."""

from __future__ import annotations

import base64
import json
import math
import mimetypes
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ._errors import UsageError
from ._fit import find_field, fits, is_base64, join
from ._rows import read_rows
from ._types import Enum, Field, ListOf, MapOf, Message, Scalar, Type, Union, item_of, list_in

STANDARD_INPUT = "-"


def read_assignments(fields: Mapping[str, Field], texts: Sequence[str]) -> dict[str, Any]:
    """The JSON object that assignments such as `text=hello`, `person.age=3` and `photo=@cat.png` stand for."""
    request: dict[str, Any] = {}
    for text in texts:
        name, mark, value = text.partition("=")
        if not mark or not name:
            raise UsageError(f"expected NAME=VALUE, got {text!r}")
        _assign(fields, request, name.split("."), value, "")
    return request


def _assign(
    fields: Mapping[str, Field], target: dict[str, Any], path: list[str], text: str, where: str
) -> None:
    key, *rest = path
    field = find_field(fields, key, where)
    place = join(where, key)
    if not rest:
        _put(target, key, field.type, text, place)
        return
    match field.type:
        case Message():
            inner = field.type.fields
        case MapOf():
            inner = {rest[0]: Field(rest[0], field.type.value)}
        case Scalar(kind="object" | "any"):
            inner = {rest[0]: Field(rest[0], Scalar("any"))}
        case Union():
            member = _member_with(field.type, rest[0], place)
            inner = member.fields
        case _:
            raise UsageError(f"{place}: {field.type} has no field {rest[0]!r}")
    below = target.setdefault(key, {})
    if not isinstance(below, dict):
        raise UsageError(f"{place}: given as a whole and in parts")
    _assign(inner, below, rest, text, place)


def _member_with(union: Union, key: str, where: str) -> Message:
    for member in union.members:
        if isinstance(member.type, Message) and key in member.type.fields:
            return member.type
    raise UsageError(f"{where}: none of {union} has a field {key!r}")


def _put(target: dict[str, Any], key: str, type_: Type, text: str, where: str) -> None:
    many = list_in(type_)
    if isinstance(type_, Union) and key in target:
        many = next((found for member in type_.members if (found := list_in(member.type))), None)
    value = parse_value(type_, text, where)
    if key not in target:
        target[key] = value
    elif many is not None:
        before = target[key] if isinstance(target[key], list) else [target[key]]
        target[key] = before + (value if isinstance(value, list) else [value])
    else:
        raise UsageError(f"{where}: given twice")


def parse_value(type_: Type, text: str, where: str) -> Any:
    """The JSON value that a text stands for: the text itself where a str is wanted, else JSON; @FILE its content."""
    if text.startswith("@@"):
        text = text[1:]
    elif text.startswith("@"):
        return _from_file(type_, text[1:], where)
    return _parse(type_, text, where)


def _parse(type_: Type, text: str, where: str) -> Any:
    match type_:
        case Scalar():
            return _parse_scalar(type_.kind, text, where)
        case Enum():
            if text in type_.values:
                return text
            if text.lstrip("-").isdigit():
                return int(text)
            raise UsageError(f"{where}: expected one of {', '.join(type_.values)}, got {text!r}")
        case Union():
            return _parse_union(type_, text, where)
        case ListOf():
            return _parse_list(type_, text, where)
        case MapOf():
            return _parse_object(text, where)
        case Message():
            return _parse_message(type_, text, where)


def _parse_scalar(kind: str, text: str, where: str) -> Any:
    try:
        match kind:
            case "int":
                return int(text)
            case "float":
                number = float(text)
                return number if math.isfinite(number) else _not_finite(number)
            case "bool":
                return {"true": True, "false": False}[text.lower()]
            case "object":
                return _parse_object(text, where)
            case "any":
                return _json_or_text(text)
    except (ValueError, KeyError):
        expected = "true or false" if kind == "bool" else kind
        raise UsageError(f"{where}: expected {expected}, got {text!r}") from None
    if kind == "bytes" and not is_base64(text):
        raise UsageError(f"{where}: expected base64, or @FILE for the bytes of a file, got {text!r}")
    return text


def _not_finite(number: float) -> str:
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _parse_union(union: Union, text: str, where: str) -> Any:
    value = _json_or_text(text)
    types = [member.type for member in union.members]
    if any(fits(type_, value) for type_ in types):
        return value
    if any(fits(type_, text) for type_ in types):
        return text
    for type_ in types:
        if list_in(type_) is not None or isinstance(type_, Message):
            try:
                return _parse(type_, text, where)
            except UsageError:
                continue
    raise UsageError(f"{where}: expected one of {union}, got {text!r}")


def _parse_list(type_: ListOf, text: str, where: str) -> list[Any]:
    if text.lstrip().startswith("["):
        value = _parse_json(text, where)
        if isinstance(value, list):
            return value
    return [_parse(type_.item, text, where)]


def _parse_message(type_: Message, text: str, where: str) -> Any:
    if text.lstrip().startswith("{"):
        return _parse_object(text, where)
    many = list_in(type_)
    if many is not None:
        return _parse_list(many, text, where)
    if type_.is_model:
        return {"model_id": text}
    if type_.is_stream_source:
        if text.lstrip().startswith("["):
            return inline_source(_parse_json(text, where))
        return {"file": {"filename": text}}
    first = next(iter(type_.fields), "FIELD")
    raise UsageError(
        f"{where}: expected a JSON object, @FILE with one, or {where}.{first}=VALUE; got {text!r}"
    )


def inline_source(items: Any) -> dict[str, Any]:
    """A stream source that holds its items itself."""
    return {"jsondata": {"data": items}}


def _from_file(type_: Type, path: str, where: str) -> Any:
    match type_:
        case Message() if type_.is_file:
            kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
            content = base64.b64encode(read_bytes(path, where)).decode()
            return {"data": content, "filename": Path(path).name, "type": kind}
        case Message() if type_.is_stream_source:
            return inline_source(read_rows(path, read_bytes(path, where), item_of(type_), where))
        case Scalar(kind="bytes"):
            return base64.b64encode(read_bytes(path, where)).decode()
        case Scalar(kind="str" | "time"):
            return read_text(path, where)
        case ListOf(item=Scalar(kind="bytes") as item) | ListOf(item=Message(is_file=True) as item):
            return [_from_file(item, path, where)]
        case Union() if any(member.type == Scalar("str") for member in type_.members):
            binary = next((member for member in type_.members if member.type == Scalar("bytes")), None)
            return read_text(path, where, (binary.name or f"{where}_bytes") if binary else None)
        case Scalar() | Enum():
            return _parse(type_, read_text(path, where).strip(), where)
        case _:
            return _parse_json(read_text(path, where), f"{where}: {path}")


def read_bytes(path: str, where: str) -> bytes:
    """The content of a file, or of standard input."""
    if path == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as problem:
        raise UsageError(f"{where}: {path or 'the file'} cannot be read: {problem.strerror}") from None


def read_text(path: str, where: str, for_bytes: str | None = None) -> str:
    """The content of a file; `for_bytes` is what takes one that is no text."""
    try:
        return read_bytes(path, where).decode()
    except UnicodeDecodeError:
        advice = f"; for bytes, give {for_bytes}=@{path}" if for_bytes else ""
        raise UsageError(f"{where}: {path} is not a text in UTF-8{advice}") from None


def _parse_object(text: str, where: str) -> Any:
    value = _parse_json(text, where)
    if not isinstance(value, dict):
        raise UsageError(f"{where}: expected a JSON object, got {text!r}")
    return value


def _parse_json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"{where}: expected JSON: {problem}") from None


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
