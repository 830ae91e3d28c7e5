# The typing forms are what users write.
# ruff: noqa: UP006, UP007, UP035, UP045
"""Unions: names, inference, members."""

import datetime
from enum import Enum
from typing import Annotated, List, Optional, Union

import numpy as np
import pytest

from caikit.core.data_model import DataObjectBase, OneofField, dataobject
from caikit.core.data_model.dataobject import make_dataobject
from caikit.core.data_model.json_dict import JsonDict

PACKAGE = "tests.data_object_unions"
_count = iter(range(1000))


@dataobject(PACKAGE)
class Level(Enum):
    LOW = 1


@dataobject(PACKAGE)
class Foo(DataObjectBase):
    x: int


@dataobject(PACKAGE)
class Bar(DataObjectBase):
    x: int


@dataobject(PACKAGE)
class BazObj(DataObjectBase):
    data_stream: Union[Annotated[Foo, OneofField("Foo")], Annotated[Bar, OneofField("Bar")]]


def union(annotation):
    return make_dataobject(name=f"Union{next(_count)}", annotations={"u": annotation}, package=PACKAGE)


def test_equivalent_constructors():
    assert BazObj(Foo(1)) == BazObj(data_stream=Foo(1)) == BazObj(foo=Foo(1))
    assert BazObj(Foo(1)).which_oneof("data_stream") == "foo"
    assert BazObj().which_oneof("data_stream") is None


def test_conflicting_arguments():
    with pytest.raises(TypeError, match="Received conflicting oneof args/kwargs for data_stream/foo"):
        BazObj(Bar(1), foo=Foo(1))
    with pytest.raises(TypeError, match="Received multiple keyword arguments for oneof data_stream"):
        BazObj(foo=Foo(1), bar=Bar(1))


def test_attributes():
    value = BazObj(Foo(1))
    assert (value.foo, value.bar) == (Foo(1), None)
    value.bar = Bar(2)
    assert (value.data_stream, value.foo) == (Bar(2), None)
    value.data_stream = Foo(3)
    assert value.which_oneof("data_stream") == "foo"
    value.foo = None
    assert value.data_stream is None
    with pytest.raises(AttributeError):
        value.which_oneof("nope")


NUMBERS = Union[
    Annotated[float, OneofField("float_val")],
    Annotated[int, OneofField("int_val")],
    Annotated[bool, OneofField("bool_val")],
]


@pytest.mark.parametrize(
    ("annotation", "value", "member"),
    [
        (NUMBERS, True, "bool_val"),
        (NUMBERS, 123, "int_val"),
        (NUMBERS, 1.23, "float_val"),
        (NUMBERS, np.int32(1), "int_val"),
        (NUMBERS, np.float32(1), "float_val"),
        (NUMBERS, np.bool_(True), "bool_val"),
        (Union[str, float], 3, "u_float"),
        (Union[str, int], True, "u_int"),
        (Union[np.int32, np.uint64, np.int64], 1, "u_int64"),
        (Union[str, bytes], b"abc", "u_bytes"),
        (Union[bytes, str], "abc", "u_str"),
        (Union[Foo, str], Foo(1), "u_foo"),
        (Union[Foo, Bar], Bar(1), "u_bar"),
        (Union[Level, str], Level.LOW, "u_level"),
        (Union[Level, str], "x", "u_str"),
        (Union[datetime.datetime, str], datetime.datetime.now(), "u_datetime"),
        (Union[JsonDict, str], {"a": 1}, "u_dict"),
        (Union[List[str], List[int]], [], "u_int_sequence"),
        (Union[List[str], List[int]], ["a"], "u_str_sequence"),
        (Union[List[int], List[float]], [1, 2.5], "u_float_sequence"),
        (Union[List[int], List[bool]], [True], "u_bool_sequence"),
        (Union[List[int], List[Foo]], [Foo(1)], "u_foo_sequence"),
        (Union[List[int], List[datetime.datetime]], [datetime.datetime.now()], "u_datetime_sequence"),
        (Union[List[int], List[Level]], [Level.LOW], "u_level_sequence"),
        (Union[List[int], List[JsonDict]], [{"a": 1}], "u_dict_sequence"),
        (Union[List[int], List[float]], np.array([1.5]), "u_float_sequence"),
        (Union[Annotated[bool, OneofField("one")], Annotated[bool, OneofField("two")]], True, "one"),
        (Optional[Union[bytes, float]], None, None),
    ],
)
def test_inference(annotation, value, member):
    cls = union(annotation)
    assert cls(value).which_oneof("u") == member
    message = cls(value).to_proto()
    assert message.WhichOneof("u") == member
    again = cls.from_proto(message)
    assert again.which_oneof("u") == member
    assert (
        cls.from_json(cls(value).to_json()).which_oneof("u") == member
        if not hasattr(value, "dtype")
        else True
    )


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Union[int, float], "x"),
        (Union[str, bytes], 3),
        (Union[List[int], List[str]], [1.5]),
        (Union[Foo, int], Bar(1)),
    ],
)
def test_a_value_that_fits_no_member_is_refused(annotation, value):
    instance = union(annotation)(value)
    for use in (instance.to_proto, instance.to_json, lambda: instance.which_oneof("u")):
        with pytest.raises(TypeError, match="fits none of the members"):
            use()


def test_the_second_of_two_equal_members():
    cls = union(Union[Annotated[bool, OneofField("one")], Annotated[bool, OneofField("two")]])
    value = cls(two=True)
    assert (value.one, value.two) == (None, True)
    assert cls.from_proto(value.to_proto()).two is True
    assert cls.from_json('{"two": true}').two is True
    value.u = True
    assert value.one is True


def test_serialised_forms_use_member_names():
    cls = union(Union[int, float, List[int]])
    assert cls(2).to_dict() == {"u_int": 2}
    assert cls(2).to_json() == '{"u_int": 2}'
    assert cls([1, 2]).to_json() == '{"u_int_sequence": {"values": [1, 2]}}'
    assert cls().to_json() == "{}"
    assert cls(2).to_kwargs() == {"u": 2}
    again = cls.from_json('{"u_int_sequence": {"values": [1, 2]}}')
    assert again.u == again.u_int_sequence == [1, 2]


def test_out_of_range():
    with pytest.raises(ValueError, match="Value out of range"):
        union(Union[np.int32, str])(2**40).to_proto()


def test_a_union_as_the_first_of_several_fields():
    cls = make_dataobject(name="UnionFirst", annotations={"u": Union[int, str], "x": int}, package=PACKAGE)
    assert cls(None, 1).to_json() == '{"x": 1}'
    assert cls("a", 1).to_json() == '{"u_str": "a", "x": 1}'
