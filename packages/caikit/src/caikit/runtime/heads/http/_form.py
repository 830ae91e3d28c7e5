"""Multipart bodies: each part's name is a dotted path into the JSON body that it stands for."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from caikit.core.data_model._codec import JsonInputError, parse_json
from caikit.core.data_model._oneof import list_item
from caikit.core.data_model._schema import (
    AnyType,
    EnumType,
    MapOf,
    MessageType,
    Node,
    Repeated,
    Scalar,
    StructType,
    UnionOf,
    schema_of,
)
from caikit.runtime.engine import Layout, RequestContext, shorten

from ._answers import BadRequestError
from ._arguments import ArgumentPlan
from ._multipart import Part, parse_multipart
from ._typed_body import INPUTS, MODEL_ID, PARAMETERS

_FILE_MESSAGE = "caikit_data_model.common.File"
_UNREADABLE = 422
_LONGEST_ENUM_NUMBER = 11
_LONGEST_PATH = 1000


@dataclass(frozen=True, slots=True)
class _Group:
    """An object of the body that is no data object."""

    fields: Mapping[str, _Place] = field(default_factory=dict)


_Place = Node | _Group


def decode_form(plan: ArgumentPlan, boundary: str, body: bytes, context: RequestContext) -> dict[str, Any]:
    """The arguments of a multipart body."""
    tree: dict[str, Any] = {}
    root = _make_root(plan)
    for part in parse_multipart(body, boundary):
        if part.data or part.filename is not None:
            _insert(tree, part.name, _find_place(root, part.name), part)
    return plan.read(tree, context)


def _make_root(plan: ArgumentPlan) -> _Group:
    if plan.layout is not Layout.INFERENCE:
        return _Group(plan.fields)
    inputs: _Place = _Group(plan.required) if plan.single is None else plan.fields[plan.single]
    return _Group({MODEL_ID: Scalar("string"), INPUTS: inputs, PARAMETERS: _Group(plan.parameters)})


def _find_place(root: _Group, path: str) -> _Place:
    place: _Place = root
    for name in path.split("."):
        found = _fields_of(place).get(name)
        if found is None:
            raise BadRequestError(_UNREADABLE, f"Unknown key '{shorten(path, _LONGEST_PATH)}'")
        place = found
    return place


def _fields_of(place: _Place) -> Mapping[str, _Place]:
    if isinstance(place, _Group):
        return place.fields
    if isinstance(place, MessageType):
        fields: dict[str, _Place] = {}
        for each in schema_of(place.cls).fields:
            fields[each.name] = each.type
            if isinstance(each.type, UnionOf):
                fields.update({member.name: member.type for member in each.type.members})
        return fields
    if isinstance(place, UnionOf):
        merged: dict[str, _Place] = {}
        for member in place.members:
            merged = {**_fields_of(member.type), **merged}
        return merged
    return {}


def _insert(tree: dict[str, Any], path: str, place: _Place, part: Part) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        tree = tree.setdefault(parent, {})
        if not isinstance(tree, dict):
            raise _contradiction(path)
    present = tree.get(name)
    if isinstance(place, Repeated):
        if present is None:
            present = tree[name] = []
        elif not isinstance(present, list):
            raise _contradiction(path)
        present.append(_read_part(place.item, path, part))
        return
    value = _read_part(place, path, part)
    if isinstance(place, UnionOf) and any(list_item(member) for member in place.members):
        value = _add_to_union(place, present, value)
    elif isinstance(present, dict) and isinstance(value, dict):
        value = _merge(present, value)
    tree[name] = value


def _contradiction(path: str) -> BadRequestError:
    return BadRequestError(_UNREADABLE, f"Key '{path}' contradicts another one")


def _add_to_union(place: UnionOf, present: Any, value: Any) -> Any:
    """One value of a union of lists is a list already; where a single value fits too, two make a list."""
    if isinstance(value, list):
        return value
    if present is not None:
        return [*(present if isinstance(present, list) else [present]), value]
    takes_single = any(isinstance(member.type, Scalar) for member in place.members)
    return value if takes_single else [value]


def _merge(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    merged = dict(first)
    for key, value in second.items():
        present = merged.get(key)
        both = isinstance(present, dict) and isinstance(value, dict)
        merged[key] = _merge(present, value) if both and isinstance(present, dict) else value
    return merged


def _read_part(place: _Place, path: str, part: Part) -> Any:
    """The JSON value that a part stands for."""
    match place:
        case MessageType() if part.filename is not None and _is_file(place):
            return {"filename": part.filename, "data": _to_base64(part.data), "type": part.content_type}
        case _Group() | MessageType() | MapOf() | StructType() | AnyType():
            return _parse(place, path, part)
        case Scalar("bytes") if part.filename is not None:
            return _to_base64(part.data)
        case EnumType():
            text = _decode(path, part)
            is_number = len(text) <= _LONGEST_ENUM_NUMBER and text.removeprefix("-").isdecimal()
            return int(text) if is_number else text
        case UnionOf():
            return _read_union(place, path, part)
        case _:
            return _decode(path, part)


def _read_union(union: UnionOf, path: str, part: Part) -> Any:
    types = [member.type for member in union.members]
    files = [type_ for type_ in types if isinstance(type_, MessageType) and _is_file(type_)]
    if part.filename is not None and files:
        return _read_part(files[0], path, part)
    if part.data.lstrip()[:1] == b"{" and any(isinstance(type_, MessageType) for type_ in types):
        return _parse(union, path, part)
    return _to_base64(part.data) if part.filename is not None else _decode(path, part)


def _is_file(message: MessageType) -> bool:
    return schema_of(message.cls).full_name == _FILE_MESSAGE


def _parse(place: _Place, path: str, part: Part) -> Any:
    try:
        return parse_json(part.data)
    except JsonInputError:
        name = f"{place.cls}" if isinstance(place, MessageType) else "<class 'dict'>"
        raise BadRequestError(_UNREADABLE, f"Failed to parse key '{path}' with types [{name}]") from None


def _decode(path: str, part: Part) -> str:
    try:
        return part.data.decode()
    except UnicodeDecodeError:
        raise BadRequestError(_UNREADABLE, f"Key '{path}' is not UTF-8 text") from None


def _to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
