"""Boxes for what has no input of its own: it is written as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import gradio as gr
from google.protobuf.descriptor import Descriptor, FieldDescriptor, OneofDescriptor
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message_factory import GetMessageClass

from .input import Input, Need, title
from .kinds import is_map, is_repeated, kind_of, need_of
from .plain import WELL_KNOWN, example_of, example_of_field
from .problems import InputError

Fields = dict[str, Any]
_NAMES = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}


def field_box(field: FieldDescriptor) -> Input:
    """For a message, a list of messages or a map."""
    need, words = need_of(field), _words(field)

    def read(text: str | None) -> Fields:
        value = _parse(text, field.name)
        if value is None and need is Need.YES:
            raise InputError(f"{field.name}: expected {words} as JSON, got nothing")
        if not field.message_type.full_name.startswith(WELL_KNOWN):
            _check(value, list if is_repeated(field) and not is_map(field) else dict, field.name)
        return _fields(field.containing_type, {field.name: value}, field.name)

    return _box(field.name, words, need, example_of_field(field), read)


def union_box(union: OneofDescriptor) -> Input:
    """For one of several fields, which is named in the box."""
    names = [field.name for field in union.fields]
    words = f"one of {', '.join(names)}"

    def read(text: str | None) -> Fields:
        value = _parse(text, union.name)
        _check(value, dict, union.name)
        if value and not (len(value) == 1 and value.keys() <= set(names)):
            raise InputError(f"{union.name}: expected {words}, got {', '.join(value)}")
        return _fields(union.containing_type, value or {}, union.name)

    example = {names[0]: example_of_field(union.fields[0])}
    return _box(union.name, words, Need.UNKNOWN, example, read)


def stream_box(request: Descriptor) -> Input:
    """For a list of requests."""
    name = "requests"

    def read(text: str | None) -> list[Fields]:
        value = _parse(text, name)
        _check(value, list, name)
        return [_fields(request, each, f"{name}, number {n}") for n, each in enumerate(value or (), 1)]

    return _box(name, f"a list of {request.name}", Need.YES, [example_of(request)] * 2, read)


def _words(field: FieldDescriptor) -> str:
    if is_map(field):
        key, value = (kind_of(field.message_type.fields_by_name[name]).words for name in ("key", "value"))
        return f"a map from {key} to {value}"
    return f"a list of {field.message_type.name}" if is_repeated(field) else field.message_type.name


def _box(name: str, words: str, need: Need, example: Any, read: Callable[[str | None], Any]) -> Input:
    """What has to be given is there as an example, and so would be sent; for the rest, there is a button."""
    text = json.dumps(example, indent=2)

    def build() -> gr.Code:
        label = title(name, words, need)
        box = gr.Code(
            text if need is Need.YES else None, language="json", label=label, lines=2, interactive=True
        )
        if need is not Need.YES:
            button = gr.Button("Example", size="sm")
            button.click(
                lambda: text, None, box, api_visibility="private", queue=False, show_progress="hidden"
            )
        return box

    return Input(name, build, read, need)


def _parse(text: str | None, name: str) -> Any:
    """None if nothing is there."""
    if not (text or "").strip():
        return None
    try:
        return json.loads(str(text))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InputError(f"{name}: expected JSON, got something else at {where}: {error.msg}") from None
    except (RecursionError, ValueError) as error:
        raise InputError(f"{name}: expected JSON that can be read: {error}") from None


def _check(value: Any, expected: type, name: str) -> None:
    if value is not None and not isinstance(value, expected):
        found = _NAMES.get(type(value), "a number")
        raise InputError(f"{name}: expected {_NAMES[expected]}, got {found}")


def _fields(message: Descriptor, value: Any, where: str) -> Fields:
    _check(value, dict, where)
    try:
        parsed = ParseDict(value or {}, GetMessageClass(message)(), descriptor_pool=message.file.pool)
    except (ParseError, ValueError) as error:
        problem = re.sub(r"^(Failed to parse \w+ field: )+", "", str(error))
        raise InputError(f"{where}: {problem}") from None
    return {field.name: given for field, given in parsed.ListFields()}
