"""Enums of random names and numbers, in every place where a field can hold one."""

from __future__ import annotations

import enum
import itertools
import json
from typing import Any

import pytest
from dm_oracle import dictionary, read, reference, same, stable, view
from dm_settings import SECONDS, examples
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from caikit.core.data_model import dataobject
from caikit.core.data_model._codec import JsonInputError, decode_given, decode_json
from caikit.core.data_model.dataobject import make_dataobject

pytestmark = pytest.mark.timeout(SECONDS)
PACKAGE = "tests.data_object_properties.enums"
_count = itertools.count()

numbers = st.sampled_from([0, 1, 2, -1, 2**31 - 1, -(2**31)]) | st.integers(-(2**31), 2**31 - 1)
names = st.sampled_from(["A", "b", "camelCase", "WITH_UNDERSCORE", "N1", "value_", "True_", "Z"])


@st.composite
def enums(draw: Any) -> Any:
    """A class whose members have names that no other enum of the package has, decorated or not."""
    number = next(_count)
    chosen = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    # Numbers may repeat: then the later name is an alias.
    values = {f"{name}{number}": draw(numbers) for name in chosen}
    kind = draw(st.sampled_from([enum.Enum, enum.IntEnum]))
    made = kind("Kind", values, module=__name__)
    if draw(st.booleans()):
        return dataobject(PACKAGE, name=f"Kind{number}")(made)
    return made


@st.composite
def classes(draw: Any) -> tuple[Any, Any]:
    kind = draw(enums())
    annotations = {
        "one": kind,
        "maybe": kind | None,
        "defaulted": kind,
        "many": list[kind],
        "named": dict[str, kind],
        "either": kind | str,
        "lists": list[kind] | list[str],
    }
    attrs = {"defaulted": draw(st.sampled_from(list(kind)))}
    name = f"Holder{next(_count)}"
    return kind, make_dataobject(name=name, annotations=annotations, attrs=attrs, package=PACKAGE)


@st.composite
def holders(draw: Any) -> tuple[Any, Any]:
    kind, cls = draw(classes())
    unknown = draw(st.booleans())
    known = st.sampled_from([*kind, *(member.value for member in kind)])
    value = known | numbers if unknown else known
    by_name = st.sampled_from([member.name for member in kind])
    given_fields = {
        "one": draw(st.none() | value),
        "maybe": draw(st.none() | value),
        "defaulted": draw(value),
        "many": draw(st.lists(value, max_size=4)),
        "named": draw(st.dictionaries(st.text(max_size=2), value, max_size=3)),
        "either_kind": draw(value),
        "lists_kind_sequence": draw(st.lists(value, max_size=3)),
    }
    if draw(st.booleans()):  # names are accepted on the way to the wire
        given_fields["one"] = draw(by_name)
        given_fields["many"] = draw(st.lists(value | by_name, max_size=3))
    return kind, cls(**given_fields)


@given(holders())
@examples(100)
def test_enums(holder: tuple[Any, Any]) -> None:
    kind, value = holder
    cls = type(value)
    expected = reference(value)
    message = value.to_proto()
    assert stable(message) == stable(expected)
    made = cls.from_proto(message)
    assert same(view(made), read(cls, expected))
    content = dictionary(value)
    assert same(value.to_dict(), content)
    assert value.to_json() == json.dumps(content)
    assert stable(cls.from_json(value.to_json()).to_proto()) == stable(made.to_proto())
    assert stable(json_format.Parse(value.to_json(), type(message)())) == stable(message)
    for own_names in (False, True):
        text = json_format.MessageToJson(message, preserving_proto_field_name=own_names)
        assert stable(cls.from_json(text).to_proto()) == stable(message)
    given_fields = decode_given(cls, message.SerializeToString())
    assert given_fields["one"] == message.one
    assert given_fields["either"] == message.either_kind
    held = [content["one"], content["maybe"], content["defaulted"], content["either_kind"], *content["many"]]
    held += (
        [*content["named"].values(), *content["lists_kind_sequence"]["values"]]
        if "lists_kind_sequence" in content
        else []
    )
    if any(isinstance(name, int) for name in held):  # a number that the enum does not have
        with pytest.raises(JsonInputError, match="Input should be"):
            decode_json(cls, json.loads(value.to_json()))
    else:
        requested = decode_json(cls, json.loads(value.to_json()))
        assert stable(requested.to_proto()) == stable(message)
        assert requested.one is None or isinstance(requested.one, kind) or requested.one == 0
