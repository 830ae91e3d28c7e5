"""Bytes and JSON that are nearly right: they are read as protobuf reads them, or refused with the documented errors."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from dm_classes import Case, cases
from dm_kinds import Node
from dm_oracle import mentions, read, reference, same, stable, view
from dm_settings import SECONDS, examples
from dm_words import WORDS
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from caikit.core.data_model._codec import (
    REFUSED,
    JsonInputError,
    decode_given,
    decode_json,
    decode_json_type,
    parse_json,
    typed_arguments,
    typed_node,
)
from caikit.core.data_model._schema import MessageType, schema_of

pytestmark = pytest.mark.timeout(SECONDS)

positions = st.integers(0, 2**16)


@st.composite
def damaged_bytes(draw: Any) -> tuple[Any, bytes]:
    case: Case = draw(cases(count=1))
    data = bytearray(case.values[0].to_binary_buffer())
    for _ in range(draw(st.integers(1, 3))):
        place = draw(positions) % (len(data) + 1)
        match draw(st.sampled_from(["change", "insert", "cut", "drop", "repeat"])):
            case "change" if place < len(data):
                data[place] = draw(st.integers(0, 255))
            case "insert":
                data[place:place] = draw(st.binary(min_size=1, max_size=4))
            case "cut":
                del data[place:]
            case "drop":
                del data[place : place + draw(st.integers(1, 4))]
            case _:
                data += data[place:]
    return case, bytes(data)


@given(damaged_bytes())
@examples(80)
def test_damaged_bytes(damaged: tuple[Case, bytes]) -> None:
    case, data = damaged
    cls = case.made.cls
    message = None
    try:
        message = cls.get_proto_class().FromString(data)
    except DecodeError:
        with pytest.raises(DecodeError):
            cls.from_binary_buffer(data)
        with pytest.raises(ValueError, match="expected a message of type"):
            decode_given(cls, data)
        return
    holds_any = mentions(message.DESCRIPTOR, "google.protobuf.Any")
    made, error = tried(cls.from_binary_buffer, data)
    if error is not None:
        damaged_any = holds_any and isinstance(error, DecodeError)
        assert damaged_any or "expected a time in the years 1 to 9999" in str(error)
        return
    assert decode_given(cls, data).keys() <= cls.__dataclass_fields__.keys()
    made.to_dict()
    if holds_any:
        return
    # Unknown fields are gone, the rest stays.
    written = made.to_proto()
    assert stable(written) == stable(reference(made))
    assert same(view(cls.from_proto(written)), read(cls, written))
    made.to_json()


def tried(function: Any, *args: Any) -> tuple[Any, Exception | None]:
    """The result, or one of the errors that reading may raise."""
    try:
        return function(*args), None
    except (ValueError, DecodeError) as error:
        return None, error


@st.composite
def damaged_json(draw: Any) -> tuple[Any, str]:
    """JSON with other values at some places."""
    case: Case = draw(cases(count=1))
    content = json.loads(case.values[0].to_json())
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3))
    for position in range(len(words)):
        content = _replaced(draw, content, f"@@{position}@@")
    text = json.dumps(content)
    for position, word in enumerate(words):
        # As it is: a parser must not have made it nicer.
        text = text.replace(f'"@@{position}@@"', word)
    return case, text


def _replaced(draw: Any, content: Any, value: Any) -> Any:
    if isinstance(content, dict) and content and draw(st.integers(0, 5)):
        content = dict(content)
        key = draw(st.sampled_from(sorted(content)))
        match draw(st.sampled_from(["deeper", "deeper", "deeper", "rename", "drop", "add"])):
            case "deeper":
                content[key] = _replaced(draw, content[key], value)
            case "rename":
                content[draw(st.sampled_from([key.upper(), key + "_", "", "self"]))] = content.pop(key)
            case "drop":
                del content[key]
            case _:
                content[f"{key}2"] = value
        return content
    if isinstance(content, list) and content and draw(st.integers(0, 5)):
        content = list(content)
        place = draw(positions) % len(content)
        content[place] = _replaced(draw, content[place], value)
        return content
    return value


def outcome(read: Any, *args: Any, **kwargs: Any) -> Any:
    """What a reader makes, or the kind of its error."""
    try:
        made = read(*args, **kwargs)
    except ValueError as error:
        return ValueError, str(error)
    return view(made), stable(made.to_proto())


def check_typed(cls: Any, text: str, made: Any) -> None:
    """The reader for exact types reads the same, or refuses."""
    fields = {field.name: field.type for field in schema_of(cls).fields}
    whole, single = typed_arguments(fields), typed_node(MessageType(cls))
    try:
        direct = single.value(msgspec.json.decode(text, type=single.type))
    except REFUSED:
        pass
    else:
        assert same(view(direct), view(made))
    try:
        arguments = whole.value(msgspec.json.decode(text, type=whole.type))
    except REFUSED:
        return
    plain = parse_json(text)
    for name, value in arguments.items():
        assert value is not None
        read = decode_json_type(fields[name], plain[name])
        assert same(view(cls(**{name: value})), view(cls(**{name: read})))
    assert arguments.keys() == {name for name, value in plain.items() if value is not None}


@given(damaged_json())
@examples(120)
def test_json_with_unexpected_values(damaged: tuple[Case, str]) -> None:
    case, text = damaged
    cls = case.made.cls
    direct = outcome(cls.from_json, text)
    if text.startswith("{") and not any(word in text for word in ("NaN", "Infinity", "\\ud800")):
        parsed = outcome(cls.from_json, json.loads(text))
        assert same(direct, parsed)
    lenient = outcome(cls.from_json, text, ignore_unknown_fields=True)
    if direct[0] is not ValueError:
        assert same(direct, lenient)
    value, error = tried(parse_json, text)
    if error is not None:
        assert isinstance(error, JsonInputError)
        assert error.issues[0].type == "json_invalid"
        assert direct[0] is ValueError
        return
    made, error = tried(decode_json, cls, value)
    if error is not None:
        assert isinstance(error, JsonInputError)
        assert error.issues
        return
    assert type(made) is cls
    made.to_proto()
    check_typed(cls, text, made)
    assert direct[0] is not ValueError


@st.composite
def damaged_text(draw: Any) -> tuple[Any, str]:
    case: Case = draw(cases(count=1))
    text = case.values[0].to_json()
    for _ in range(draw(st.integers(1, 2))):
        place = draw(positions) % (len(text) + 1)
        end = place + draw(st.integers(0, 3))
        text = (
            text[:place] + draw(st.sampled_from(["", '"', "\\", "{", "]", ",", "\0", "é", "0"])) + text[end:]
        )
    return case, text


@given(damaged_text())
@examples(60)
def test_text_that_may_be_no_json(damaged: tuple[Case, str]) -> None:
    case, text = damaged
    direct = outcome(case.made.cls.from_json, text)
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()
    except ValueError:
        assert direct[0] is ValueError
        with pytest.raises(JsonInputError):
            parse_json(text)
        return
    lenient = outcome(case.made.cls.from_json, text, ignore_unknown_fields=True)
    if direct[0] is not ValueError:
        assert same(direct, lenient)


@pytest.mark.parametrize("text", ["\ud800{}", '{"a": "\ud800"}', '["\udfff"]'])
def test_half_a_character(text: str) -> None:
    with pytest.raises(JsonInputError):
        parse_json(text)


@pytest.mark.parametrize("depth", [150, 2_000, 100_000])
@pytest.mark.parametrize("field", ["next", "children"])
def test_deep_input(field: str, depth: int) -> None:
    start, end = ('{"next": ', "}") if field == "next" else ('{"children": [', "]}")
    text = start * depth + '{"label": "x"}' + end * depth
    made, error = tried(Node.from_json, text)
    assert isinstance(error, JsonInputError) or (depth == 150 and made.to_json().count("{") == depth + 1)
    number = Node.get_proto_class().DESCRIPTOR.fields_by_name[field].number
    data = b""
    for _ in range(min(depth, 2_000)):
        length = len(data)
        size = bytes([length]) if length < 128 else bytes([length & 127 | 128, length >> 7])
        data = bytes([number << 3 | 2]) + size + data
    with pytest.raises(DecodeError):
        Node.from_binary_buffer(data)
    with pytest.raises(ValueError, match="expected a message of type"):
        decode_given(Node, data)
