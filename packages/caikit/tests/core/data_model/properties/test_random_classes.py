"""Random classes with random values: every representation says the same."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from typing import Any

import pytest
from dm_classes import Case, cases
from dm_json import json_default
from dm_oracle import dictionary, read, reference, same, stable, view
from dm_settings import SECONDS, examples
from google.protobuf import json_format
from hypothesis import given

from caikit.core.data_model._codec import (
    JsonInputError,
    decode_given,
    decode_json,
    encode_bytes,
    encode_json,
    parse_json,
)

pytestmark = pytest.mark.timeout(SECONDS)


def has_map(descriptor: Any, seen: frozenset[str] = frozenset()) -> bool:
    """Maps and Structs may be written in any order."""
    if descriptor.GetOptions().map_entry or descriptor.full_name in (
        "google.protobuf.Any",
        "google.protobuf.Struct",
    ):
        return True
    if descriptor.full_name in seen:
        return False
    return any(
        field.message_type is not None and has_map(field.message_type, seen | {descriptor.full_name})
        for field in descriptor.fields
    )


def numbers_in(value: Any) -> Any:
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from numbers_in(item)
    elif isinstance(value, float):
        yield value


def is_finite(value: Any) -> bool:
    return all(math.isfinite(number) for number in numbers_in(view(value)))


@given(cases())
@examples(60)
def test_bytes_are_those_of_protobuf(case: Case) -> None:
    for value in case.values:
        before = view(value)
        expected = reference(value)
        message = value.to_proto()
        assert stable(message) == stable(expected)
        data = value.to_binary_buffer()
        assert encode_bytes(value) == data or has_map(message.DESCRIPTOR)
        assert stable(type(expected).FromString(data)) == stable(expected)
        if not has_map(message.DESCRIPTOR):
            assert data == expected.SerializeToString()
        assert same(view(value), before)


@given(cases())
@examples(60)
def test_objects_from_bytes_hold_what_the_message_holds(case: Case) -> None:
    cls = case.made.cls
    for value in case.values:
        message = reference(value)
        expected = read(cls, message)
        for made in (
            cls.from_proto(message),
            cls.from_binary_buffer(message.SerializeToString()),
            cls.from_binary_buffer(value.to_binary_buffer()),
        ):
            assert type(made) is cls
            assert same(view(made), expected)
            message = made.to_proto()
            again = cls.from_proto(message)
            assert same(view(again), read(cls, message))


@given(cases())
@examples(60)
def test_given_fields_are_those_that_the_message_has(case: Case) -> None:
    cls = case.made.cls
    for value in case.values:
        message = reference(value)
        given_fields = decode_given(cls, message.SerializeToString())
        _, everything = read(cls, message)
        expected = set()
        for field in message.DESCRIPTOR.fields:
            if field.has_presence:
                present = message.HasField(field.name)
            else:
                repeated = not isinstance(getattr(message, field.name), (int, float, str, bytes))
                present = bool(getattr(message, field.name)) if repeated else True
            if present:
                oneof = field.containing_oneof
                union = oneof is not None and oneof.name in everything
                expected.add(oneof.name if union else field.name)
        assert given_fields.keys() == expected
        made = cls(**given_fields)
        read_back = view(made)[1]
        for name in expected:
            found, wanted = read_back[name], everything[name]
            if name in case.made.fields and case.made.fields[name].members:
                found, wanted = found[1], wanted[1]  # which of several members fits is not told
            assert same(found, wanted)


@given(cases())
@examples(60)
def test_json_is_the_dictionary_as_json(case: Case) -> None:
    for value in case.values:
        before = view(value)
        content = value.to_dict()
        assert same(content, dictionary(value))
        assert list(content) == list(dictionary(value))
        text = value.to_json()
        assert text == json.dumps(dictionary(value), default=json_default)
        assert encode_json(value) == text.encode("ascii")
        pretty = value.to_json(indent=2, ensure_ascii=False)
        assert pretty == json.dumps(dictionary(value), default=json_default, indent=2, ensure_ascii=False)
        assert repr(value) == str(value) == pretty
        tight = value.to_json(separators=(",", ":"))
        assert tight == json.dumps(dictionary(value), default=json_default, separators=(",", ":"))
        assert same(view(value), before)


@given(cases())
@examples(60)
def test_objects_from_json_are_those_from_bytes(case: Case) -> None:
    cls = case.made.cls
    for value in case.values:
        expected = cls.from_proto(reference(value))
        made = cls.from_json(value.to_json())
        assert type(made) is cls
        assert stable(made.to_proto()) == stable(expected.to_proto())
        assert same(view(made, loose=True), view(expected, loose=True))
        full = expected
        for _ in range(3):  # fills what is None in the defaults of defaults
            full = cls.from_proto(full.to_proto())
        # The order of entries is no part of the content: a message has none.
        assert same(json.loads(cls.from_json(full.to_json()).to_json()), json.loads(full.to_json()))
        assert same(view(cls.from_json(json_str=value.to_json(), ignore_unknown_fields=True)), view(made))


@given(cases())
@examples(60)
def test_dictionaries_are_read_like_text(case: Case) -> None:
    cls = case.made.cls
    for value in case.values:
        content = json.loads(value.to_json())
        made = cls.from_json(content)
        expected = view(cls.from_json(value.to_json()))
        assert same(view(made), expected)
        assert same(content, json.loads(value.to_json()))
        clear(content)
        assert same(view(made), expected)  # nothing is shared
        message = value.to_proto()
        plain = json_format.MessageToDict(message)
        assert stable(cls.from_json(plain).to_proto()) == stable(cls.from_proto(message).to_proto())


def clear(content: Any) -> None:
    """Empty all lists and dictionaries, from the innermost."""
    if isinstance(content, (dict, list)):
        for item in content.values() if isinstance(content, dict) else content:
            clear(item)
        content.clear()


@given(cases())
@examples(60)
def test_json_of_protobuf_is_understood(case: Case) -> None:
    cls = case.made.cls
    for value in case.values:
        message = reference(value)
        expected = cls.from_proto(message)
        for own_names in (False, True):
            text = json_format.MessageToJson(message, preserving_proto_field_name=own_names)
            made = cls.from_json(text)
            assert stable(made.to_proto()) == stable(expected.to_proto())
            assert same(view(made, loose=True), view(expected, loose=True))


@given(cases())
@examples(60)
def test_protobuf_understands_the_json(case: Case) -> None:
    for value in case.values:
        message = reference(value)
        if is_finite(value):
            parsed = json_format.Parse(value.to_json(), type(message)())
            assert stable(parsed) == stable(message)


def with_defaults(value: Any) -> Any:
    """The object without its None: they are what the constructor makes of them."""
    if isinstance(value, dict):
        return {key: with_defaults(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_defaults(item) for item in value]
    if not hasattr(value, "get_proto_class"):
        return value
    given_fields = {}
    for name, item in value.to_kwargs().items():
        if item is not None:
            union = name not in type(value).get_proto_class().DESCRIPTOR.fields_by_name
            given_fields[value.which_oneof(name) if union else name] = with_defaults(item)
    return type(value)(**given_fields)


@given(cases())
@examples(60)
def test_requests_may_hold_what_to_json_prints(case: Case) -> None:
    cls = case.made.cls
    for value in case.values:
        parsed = parse_json(value.to_json().encode())
        if "from_json" in case.made.hooks:
            assert same(view(decode_json(cls, parsed)), view(cls.from_json(value.to_json())))
        elif is_finite(value):
            made = decode_json(cls, parsed)
            assert type(made) is cls
            assert same(view(made, loose=True), view(with_defaults(value), loose=True))
            assert stable(made.to_proto()) == stable(with_defaults(value).to_proto())
        else:
            with pytest.raises(JsonInputError):
                decode_json(cls, parsed)


def has_nan(value: Any) -> bool:
    return any(math.isnan(number) for number in numbers_in(view(value)))


@given(cases())
@examples(60)
def test_copies_are_equal(case: Case) -> None:
    for value in case.values:
        expected = view(value)
        for made in (copy.copy(value), copy.deepcopy(value)):
            assert same(view(made), expected)
            assert made == value


@given(cases())
@examples(40)
def test_keywords_make_the_object_again(case: Case) -> None:
    cls = case.made.cls
    for value in case.values:
        made = cls(**value.to_kwargs())
        assert made == value
        unions = [name for name, plan in case.made.fields.items() if plan.members]
        for name in cls.__dataclass_fields__:
            assert getattr(made, name) is getattr(value, name)
        if not unions:
            assert same(view(made), view(value))
        assert dataclasses.replace(value) == value
        with pytest.raises(AttributeError):
            value.no_such_field = 1
        with pytest.raises(AttributeError):
            del value.no_such_field
        with pytest.raises(TypeError, match="unhashable"):
            hash(value)
