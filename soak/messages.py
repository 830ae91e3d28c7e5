"""Strategies of hypothesis: valid messages of a gRPC method, and what becomes of bytes and JSON when they are damaged."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

LONGEST = 5
_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
_TEXTS = st.text(max_size=20) | st.sampled_from(
    ["", "worker", "mirror", "..", "\0", "é" * 100, "models/worker"]
)
_BYTES = st.binary(max_size=30)

# JSON values that nobody expects.
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    _TEXTS,
    st.sampled_from(
        [
            "NaN",
            "-1",
            "1e999",
            "9" * 400,
            "2020-13-45T99:99:99Z",
            "////",
            "AAAA",
            10**30,
            -0.0,
            [],
            {},
            [[]],
            [None],
        ]
    ),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(_TEXTS, st.integers(), max_size=2),
    st.integers(1, 300).map(lambda depth: _nested(depth)),
)


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


# Messages


def messages(descriptor: Descriptor, depth: int = 0) -> st.SearchStrategy[Any]:
    """Valid messages, with any of their fields."""
    if descriptor.full_name == "google.protobuf.Timestamp":
        seconds = st.integers(-(10**10), 10**10) | st.integers(-(2**63), 2**63 - 1)
        return st.builds(GetMessageClass(descriptor), seconds=seconds, nanos=st.integers(-(2**31), 2**31 - 1))
    names = (
        st.lists(st.sampled_from([each.name for each in descriptor.fields]), unique=True, max_size=6)
        if descriptor.fields
        else st.just([])
    )
    return names.flatmap(lambda chosen: _message(descriptor, chosen, depth))


def _message(descriptor: Descriptor, names: list[str], depth: int) -> st.SearchStrategy[Any]:
    fields = {name: descriptor.fields_by_name[name] for name in names}
    values = {
        name: _field(field, depth)
        for name, field in fields.items()
        if depth < LONGEST or not field.message_type
    }
    return st.fixed_dictionaries(values).map(lambda content: _build(descriptor, content))


def _build(descriptor: Descriptor, content: dict[str, Any]) -> Any:
    message = GetMessageClass(descriptor)()
    for name, value in content.items():
        field = descriptor.fields_by_name[name]
        if _is_map(field):
            target = getattr(message, name)
            for key, item in value.items():
                if field.message_type.fields_by_name["value"].message_type:
                    target[key].CopyFrom(item)
                else:
                    target[key] = item
        elif field.is_repeated:
            getattr(message, name).extend(value)
        elif field.message_type:
            getattr(message, name).CopyFrom(value)
        else:
            setattr(message, name, value)
    return message


def _field(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    if _is_map(field):
        entry = field.message_type.fields_by_name
        return st.dictionaries(_single(entry["key"], depth), _single(entry["value"], depth), max_size=3)
    single = _single(field, depth)
    return st.lists(single, max_size=4) if field.is_repeated else single


def _single(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    if field.cpp_type in _INTEGERS:
        least, most = _INTEGERS[field.cpp_type]
        return st.integers(least, most) | st.integers(max(least, -3), 10)
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_MESSAGE:
            return st.deferred(lambda: messages(field.message_type, depth + 1))
        case FieldDescriptor.CPPTYPE_ENUM:
            return st.sampled_from([value.number for value in field.enum_type.values]) | st.integers(-5, 99)
        case FieldDescriptor.CPPTYPE_BOOL:
            return st.booleans()
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return st.floats(width=32)
        case _:
            return _BYTES if field.type == FieldDescriptor.TYPE_BYTES else _TEXTS


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def as_json(message: Any) -> Any:
    """What the fields of a message look like in JSON; messages that JSON has no form for are left empty."""
    try:
        return json_format.MessageToDict(message, preserving_proto_field_name=True)
    except (ValueError, json_format.Error):
        return {}


# Damage

_EDITS = st.tuples(
    st.sampled_from(["flip", "delete", "insert", "double", "cut", "number"]),
    st.floats(0, 1),
    st.binary(min_size=1, max_size=6),
)


def damaged(data: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Bytes with a few changes; every third time with none."""
    return st.one_of(data, *[st.builds(_damage, data, st.lists(_EDITS, min_size=1, max_size=4))] * 2)


def _damage(data: bytes, edits: list[tuple[str, float, bytes]]) -> bytes:
    for kind, share, more in edits:
        place = int(share * len(data))
        match kind:
            case "flip" if place < len(data):
                data = data[:place] + bytes([data[place] ^ more[0]]) + data[place + 1 :]
            case "delete":
                data = data[:place] + data[place + len(more) :]
            case "insert":
                data = data[:place] + more + data[place:]
            case "double":
                data = data[:place] + data[place : place + 20] * 2 + data[place + 20 :]
            case "cut":
                data = data[:place]
            case _:
                data = data[:place] + b"\xff" * (len(more) * 2) + data[place:]
    return data


def damaged_json(value: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """The text of a JSON value in which some values are odd, missing or in excess; now and then the text is damaged, too."""
    changes = st.lists(
        st.tuples(st.integers(0, 1000), st.sampled_from(["odd", "delete", "add", "wrap"]), ODD), max_size=3
    )
    text = st.builds(_change_all, value, changes).map(lambda tree: json.dumps(tree).encode())
    return st.one_of(value.map(lambda tree: json.dumps(tree).encode()), text, text, damaged(text))


def _change_all(tree: Any, changes: list[tuple[int, str, Any]]) -> Any:
    tree = json.loads(json.dumps(tree))
    for number, kind, odd in changes:
        places = [(container, key) for container, key in _places(tree)]
        if not places:
            return odd
        container, key = places[number % len(places)]
        match kind:
            case "delete":
                del container[key]
            case "add" if isinstance(container, dict):
                container["unexpected"] = odd
            case "wrap":
                container[key] = [container[key]]
            case _:
                container[key] = odd
    return tree


def _places(tree: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        found.append((tree, key))
        found += _places(value)
    return found
