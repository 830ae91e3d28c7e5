"""Names and classes that @dataobject refuses, and where it says so."""

import enum
import re
from typing import Annotated

import pytest

from caikit.core.data_model import DataObjectBase, OneofField, dataobject
from caikit.core.data_model.dataobject import make_dataobject

PACKAGE = "tests.data_object_names"
_count = iter(range(10_000))


@pytest.mark.parametrize(
    "name",
    [
        "fields",
        "backend",
        "full_name",
        "self",
        "cls",
        "values",
        "message",
        "proto",
        "type",
        "list",
        "_x",
        "to_kwargs",
    ],
)
def test_names_that_only_look_reserved(name):
    cls = make_dataobject(name=f"Free{next(_count)}", annotations={name: int, "other": str}, package=PACKAGE)
    data = cls(3, "a")
    assert cls(**{name: 3, "other": "a"}) == data
    assert cls.from_proto(data.to_proto()) == data
    assert cls.from_json(data.to_json()) == data
    assert getattr(data, name) == 3


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("class", "a word of Python is no name"),
        ("None", "a word of Python is no name"),
        ("to_json", "data objects need it for themselves"),
        ("from_proto", "data objects need it for themselves"),
        ("get_proto_class", "data objects need it for themselves"),
        ("_proto_class", "data objects need it for themselves"),
        ("_which", "data objects need it for themselves"),
        ("__init__", "data objects need it for themselves"),
        ("SerializeToString", "protobuf messages need it for themselves"),
    ],
)
@pytest.mark.parametrize("annotation", [int, int | str])
def test_reserved_names(name, reason, annotation):
    text = f"{name!r} cannot be the name of a field: {reason} (field Wrong.{name})"
    with pytest.raises(ValueError, match=re.escape(text)):
        make_dataobject(name="Wrong", annotations={name: annotation}, package=PACKAGE)


@pytest.mark.parametrize("name", ["self", "class", "to_json", "has space"])
def test_reserved_names_of_union_members(name):
    members = Annotated[int, OneofField(name)] | str
    with pytest.raises(ValueError, match=rf"'{name}' cannot be the name of .* \(field Wrong\.u\)"):
        make_dataobject(name="Wrong", annotations={"u": members}, package=PACKAGE)


@pytest.mark.parametrize(
    ("annotations", "package", "words"),
    [
        ({"a_b": int, "aB": int}, PACKAGE, f"duplicate json_name (aB) in {PACKAGE}.wrong.proto"),
        (
            {"x": int},
            "has space",
            "invalid name: non-alphanumeric character (has space) in has space.wrong.proto",
        ),
        ({"u": int | str, "u_int": int}, PACKAGE, f"duplicate field name (u_int) in {PACKAGE}.Wrong"),
    ],
)
def test_what_protobuf_refuses_is_told_with_the_message(annotations, package, words):
    with pytest.raises(TypeError, match=re.escape(words)):
        make_dataobject(name="Wrong", annotations=annotations, package=package)


def test_the_empty_package():
    cls = make_dataobject(name="TestsWithoutAPackage", annotations={"u": list[int] | str}, package="")
    assert cls.full_name == "TestsWithoutAPackage"
    assert cls.from_proto(cls([1]).to_proto()) == cls([1])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"package": None}, "expected a package name, got None"),
        ({"name": 5}, "expected a message name, got 5"),
        ({"checked": True}, "unexpected keyword argument 'checked'"),
    ],
)
def test_arguments_of_the_decorator(arguments, words):
    with pytest.raises(TypeError, match=words):
        dataobject(**arguments)


def test_decorating_twice():
    @dataobject(PACKAGE)
    @dataobject(PACKAGE)
    class Twice(DataObjectBase):
        x: int

    assert Twice.from_proto(Twice(1).to_proto()) == Twice(1)
    with pytest.raises(TypeError, match=f"Twice already is the data object {PACKAGE}.Twice"):
        dataobject("tests.elsewhere")(Twice)


def test_classes_without_the_decorator_say_so():
    class Undecorated(DataObjectBase):
        x: int

    @dataobject(PACKAGE)
    class Decorated(DataObjectBase):
        x: int

    class More(Decorated):
        y: int

    class Same(Decorated):
        def twice(self):
            return 2 * self.x

    for cls in (Undecorated, More):
        with pytest.raises(
            TypeError, match=f"{cls.__name__} has fields but no message: decorate it with @dataobject"
        ):
            cls(1)
    assert Same(2).twice() == 4
    assert Same.from_proto(Same(2).to_proto()).twice() == 4


def test_names_of_enum_values_are_shared_in_a_package():
    @dataobject(PACKAGE)
    class Light(enum.Enum):
        OFF = 0
        GREEN = 1

    with pytest.raises(TypeError, match=f"enum Switch: the name OFF is taken by {PACKAGE}.light.proto"):

        @dataobject(PACKAGE)
        class Switch(enum.Enum):
            OFF = 0

    assert Light.to_dict() == {"OFF": 0, "GREEN": 1}


@pytest.mark.parametrize("value", ["a", 1.5, True, 2**31, -(2**31) - 1, None])
def test_values_of_enums_are_numbers_of_32_bits(value):
    cls = enum.Enum("Wrong", {"A": value})
    with pytest.raises(ValueError, match=f"enum Wrong: .* must be int of 32 bits, got A = {value!r}"):
        dataobject(PACKAGE)(cls)
