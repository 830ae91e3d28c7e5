"""Requests as the JSON that the HTTP interface takes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from caikit.core.data_model import DataObjectBase
from caikit.core.data_model._schema import (
    EnumType,
    MapOf,
    Member,
    MessageType,
    Node,
    Repeated,
    Scalar,
    TimestampType,
    UnionOf,
    schema_of,
)
from caikit.runtime.names import MODEL_ID, OPTIONAL_INPUTS_KEY, REQUIRED_INPUTS_KEY


def inference_body(request: DataObjectBase, required: Sequence[str], model_name: str | None) -> bytes:
    """What the task asks for goes into the inputs, what only the module knows into the parameters."""
    given = plain_request(request)
    inputs = {name: given.pop(name) for name in required if name in given}
    body: dict[str, Any] = {} if model_name is None else {MODEL_ID: model_name}
    if inputs:
        body[REQUIRED_INPUTS_KEY] = inputs[required[0]] if len(required) == 1 else inputs
    if given:
        body[OPTIONAL_INPUTS_KEY] = given
    return json.dumps(body).encode()


def inference_lines(
    requests: Iterable[DataObjectBase], required: Sequence[str], model_name: str
) -> Iterator[bytes]:
    """A line for each message; the first one says which model is meant."""
    name: str | None = model_name
    for request in requests:
        yield inference_body(request, required, name)
        name = None


def training_body(request: DataObjectBase) -> bytes:
    return json.dumps(plain_request(request)).encode()


def plain_request(request: DataObjectBase) -> dict[str, Any]:
    """The fields that are set, by name."""
    content: dict[str, Any] = plain(json.loads(request.to_json()), MessageType(type(request)))
    return content


def plain(content: Any, node: Node) -> Any:
    """JSON of a data object without what is unset, with unions and lists under their own names.

    What does not look like the node is left as it is: some classes have a JSON form of their own.
    """
    match node:
        case MessageType(cls):
            return _plain_message(content, cls) if isinstance(content, dict) else content
        case Repeated(item):
            return [plain(each, item) for each in content] if isinstance(content, list) else content
        case MapOf(_, value):
            if not isinstance(content, dict):
                return content
            return {key: plain(each, value) for key, each in content.items()}
        case EnumType():
            return node.numbers().get(content, content) if isinstance(content, str) else content
        case _:
            return content


def _plain_message(content: dict[str, Any], cls: type[Any]) -> Any:
    if cls._unwraps_list and content.keys() == {"values"}:
        return content["values"] or []
    names: dict[str, tuple[str, Node]] = {}
    for field in schema_of(cls).fields:
        if isinstance(field.type, UnionOf):
            for member in field.type.members:
                names[member.name] = _union_name(field.name, member, field.type, content), member.type
        else:
            names[field.name] = field.name, field.type
    result = {}
    for key, value in content.items():
        if value is None and key in names:
            continue
        name, node = names.get(key, (key, None))
        result[name] = value if node is None else plain(_without_wrapper(value, node), node)
    return result


def _without_wrapper(value: Any, node: Node) -> Any:
    if isinstance(node, Repeated) and isinstance(value, dict) and value.keys() == {"values"}:
        return value["values"] or []
    return value


def _union_name(union: str, active: Member, node: UnionOf, content: Mapping[str, Any]) -> str:
    """The name of the union, unless its bare value could be taken for another member."""
    if content.get(active.name) is None:
        return union
    others = [member for member in node.members if member is not active]
    value = content[active.name]
    return active.name if any(_could_be(value, active, other) for other in others) else union


def _could_be(value: Any, active: Member, other: Member) -> bool:
    if isinstance(active.type, MessageType) and isinstance(other.type, MessageType):
        if active.type.cls._unwraps_list or other.type.cls._unwraps_list or not isinstance(value, dict):
            return False
        given = {key for key, item in value.items() if item is not None}
        return given <= set(schema_of(other.type.cls).wire_names()) and _comes_first(other, active)
    return _is_written_as_text(active.type) and other.type == Scalar("string")


def _comes_first(other: Member, active: Member) -> bool:
    return other.number < active.number


def _is_written_as_text(node: Node) -> bool:
    return node == Scalar("bytes") or isinstance(node, TimestampType)
