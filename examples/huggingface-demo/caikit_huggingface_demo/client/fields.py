"""The inputs of a form that is made from a message: one for each field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import gradio as gr
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from .boxes import field_box, union_box
from .input import Input, Need, title
from .kinds import is_repeated, kind_of, need_of, union_of
from .problems import InputError

_LEFT_OUT = "left out"


def inputs_of(request: Descriptor) -> list[Input]:
    """Those that have to be given come first."""
    inputs = {each.name: each for each in map(_input, request.fields)}
    return sorted(inputs.values(), key=lambda each: each.need)


def _input(field: FieldDescriptor) -> Input:
    union = union_of(field)
    if union is not None:
        return union_box(union)
    if field.message_type is not None:
        return field_box(field)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _file(field)
    return _lines(field) if is_repeated(field) else _value(field)


def _value(field: FieldDescriptor) -> Input:
    kind, need = kind_of(field), need_of(field)

    def read(value: Any) -> dict[str, Any]:
        if value is None or value == "":
            if need is Need.NO:
                return {}
            if field.type != FieldDescriptor.TYPE_STRING:
                raise InputError(f"{field.name}: expected {kind.words}, got nothing")
        return {field.name: kind.check("" if value is None else value, field.name)}

    label = title(field.name, kind.words, need)
    return Input(field.name, _component(field, label, need is Need.NO), read, need)


def _component(field: FieldDescriptor, label: str, optional: bool) -> Callable[[], Any]:
    if field.type == FieldDescriptor.TYPE_BOOL:
        if not optional:
            return lambda: gr.Checkbox(label=label)
        return lambda: gr.Dropdown([(_LEFT_OUT, ""), ("true", True), ("false", False)], value="", label=label)
    if field.enum_type is not None:
        choices = [(_LEFT_OUT, "")] * optional + [
            (value.name, value.name) for value in field.enum_type.values
        ]
        return lambda: gr.Dropdown(choices, value=choices[0][1], label=label)
    # Also for numbers: the number input of gradio makes 0 of what is left empty, and rounds large ones.
    return lambda: gr.Textbox(label=label, placeholder=_LEFT_OUT if optional else None)


def _lines(field: FieldDescriptor) -> Input:
    kind = kind_of(field)
    is_text = field.type == FieldDescriptor.TYPE_STRING

    def read(value: str | None) -> dict[str, Any]:
        lines = enumerate((value or "").splitlines(), 1)
        return {
            field.name: [
                kind.check(line, f"{field.name}, line {number}")
                for number, line in lines
                if is_text or line.strip()
            ]
        }

    label = title(field.name, f"{kind.words} per line", Need.UNKNOWN)
    return Input(field.name, lambda: gr.Textbox(label=label, lines=3), read, Need.UNKNOWN)


def _file(field: FieldDescriptor) -> Input:
    need = need_of(field)
    count: Literal["multiple", "single"] = "multiple" if is_repeated(field) else "single"

    def read(value: Any) -> dict[str, Any]:
        if value is not None:
            return {field.name: value}
        if need is Need.YES:
            raise InputError(f"{field.name}: expected a file, got nothing")
        return {}

    label = title(field.name, "files" if is_repeated(field) else "a file", need)
    return Input(
        field.name, lambda: gr.File(label=label, type="binary", file_count=count, height=120), read, need
    )
