# The typing forms are what users write.
# ruff: noqa: UP006, UP007, UP035, UP045
"""What users write as the type of a field, what it means, and what is refused with a word of advice."""

import collections
import dataclasses
import datetime
import decimal
import enum
import sys
import typing
import uuid
from dataclasses import KW_ONLY, InitVar
from pathlib import Path
from types import ModuleType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Dict,
    Final,
    Generic,
    List,
    Literal,
    NewType,
    Optional,
    TypeVar,
    Union,
)

import numpy as np
import numpy.typing
import pytest
import typing_extensions

from caikit.core.data_model import DataObjectBase, FieldNumber, OneofField, dataobject
from caikit.core.data_model.dataobject import make_dataobject

PACKAGE = "tests.data_object_annotations"
UserId = NewType("UserId", int)
Names = typing_extensions.TypeAliasType("Names", List[str])
Choice = typing_extensions.TypeAliasType("Choice", Union[int, str])
Endless = typing_extensions.TypeAliasType("Endless", List["Endless"])
Item = TypeVar("Item")
_count = iter(range(10_000))


def make(annotation: Any) -> Any:
    return make_dataobject(name=f"Made{next(_count)}", annotations={"x": annotation}, package=PACKAGE)


def fields_of(cls: Any) -> list[str]:
    lines = map(str.strip, cls.get_proto_class().to_proto_file().splitlines())
    return [line for line in lines if " = " in line and not line.startswith("syntax")]


@pytest.mark.parametrize(
    ("annotation", "field", "value"),
    [
        (UserId, "int64 x = 1;", 3),
        (Optional[UserId], "optional int64 x = 1;", 3),
        (List[UserId], "repeated int64 x = 1;", [3]),
        (Dict[UserId, UserId], "map<int64, int64> x = 1;", {1: 2}),
        (Names, "repeated string x = 1;", ["a"]),
        (Optional[Names], "repeated string x = 1;", ["a"]),
        ("List[UserId]", "repeated int64 x = 1;", [3]),
        (Final[int], "int64 x = 1;", 3),
        (Literal["a", None], "optional string x = 1;", "a"),
        (Optional[Literal["a", "b"]], "optional string x = 1;", "b"),
        (Optional[Annotated[Optional[int], "doc"]], "optional int64 x = 1;", 3),
        (List[Annotated[Optional[int], "doc"]], "repeated int64 x = 1;", [3]),
        (Annotated[Annotated[int, FieldNumber(3)], "doc"], "int64 x = 3;", 3),
        (Annotated[UserId, FieldNumber(4)], "int64 x = 4;", 3),
        (Dict[str, Optional[int]], "map<string, int64> x = 1;", {"a": 1}),
    ],
    ids=str,
)
def test_forms_of_one_type(annotation, field, value):
    cls = make(annotation)
    assert fields_of(cls) == [field]
    data = cls(value)
    assert cls.from_proto(data.to_proto()) == data
    assert cls.from_json(data.to_json()) == data


@pytest.mark.parametrize(
    ("annotation", "members"),
    [
        (Choice, ["x_int", "x_str"]),
        (Union[UserId, str], ["x_int", "x_str"]),
        (Optional[Union[int, str]], ["x_int", "x_str"]),
        (Union[Optional[int], str], ["x_int", "x_str"]),
        (Union[Literal["a", None], int], ["x_str", "x_int"]),
        (Union[Choice, float], ["x_int", "x_str", "x_float"]),
        (Union[int, List[Optional[str]]], ["x_int", "x_str_sequence"]),
        (Union[Annotated[Optional[int], OneofField("only_int")], str], ["only_int", "x_str"]),
    ],
    ids=str,
)
def test_forms_of_unions(annotation, members):
    cls = make(annotation)
    assert list(cls.fields) == members
    assert cls(None).to_dict() == {}
    assert cls.from_proto(cls(7).to_proto()).x == 7


@dataobject(PACKAGE)
class Box(DataObjectBase, Generic[Item]):
    size: int


def test_type_parameters_that_no_field_depends_on():
    cls = make(Box[str])
    data = cls(Box[str](3))
    assert cls.from_proto(data.to_proto()) == data


@pytest.mark.parametrize("form", [typing_extensions.Self, getattr(typing, "Self", typing_extensions.Self)])
def test_self(form):
    cls = make(Optional[form])
    data = cls(cls(cls()))
    assert cls.from_json(data.to_json()) == data


class Undecorated(DataObjectBase):
    x: int


class TypedPoint(typing.TypedDict):
    x: int


class NamedPoint(typing.NamedTuple):
    x: int


class Words(str, enum.Enum):
    A = "a"


class Truth(enum.Enum):
    YES = True


class Far(enum.Enum):
    AWAY = 2**40


@pytest.mark.parametrize(
    ("annotation", "advice"),
    [
        (typing.Tuple[int, int], "use list[...]"),
        (set, "use list[...]"),
        (typing.FrozenSet[int], "use list[...]"),
        (typing.Sequence[int], "use list[...]"),
        (collections.abc.Iterable[int], "use list[...]"),
        (typing.Deque[int], "use list[...]"),
        (typing.Mapping[str, int], "use dict[...]"),
        (typing.DefaultDict[str, int], "use dict[...]"),
        (list, "say what it holds, as in list[str]"),
        (List, "say what it holds, as in list[str]"),
        (dict, "say what it holds, as in dict[str, int], or use JsonDict"),
        (Dict, "say what it holds, as in dict[str, int], or use JsonDict"),
        (TypedPoint, "use JsonDict, or a class with @dataobject"),
        (NamedPoint, "make it a data object with @dataobject, a dataclass or an Enum"),
        (Path, "use str"),
        (uuid.UUID, "use str"),
        (decimal.Decimal, "use str or float"),
        (datetime.date, "use datetime.datetime"),
        (datetime.timedelta, "use float for seconds"),
        (bytearray, "use bytes"),
        (np.ndarray, "use a list of numbers, as in list[numpy.float32]"),
        (numpy.typing.NDArray[np.float32], "use a list of numbers, as in list[numpy.float32]"),
        (np.uint8, "use numpy.uint32"),
        (np.float16, "use numpy.float32"),
        (np.bool_, "use bool"),
        (Item, "a message has no type parameters"),
        (List[Item], "a message has no type parameters"),
        (List[List[int]], "lists hold single values"),
        (List[Union[int, str]], "lists hold single values"),
        (Dict[str, List[int]], "maps hold single values"),
        (Dict[float, int], "keys are str, int or bool"),
        (Union[Dict[str, int], str], "a union holds no maps"),
        (Literal["a", 1], "the values of a Literal need one type, str, int, bool or bytes"),
        (Words, "the values of a data object enum must be int of 32 bits, got A = 'a'"),
        (Truth, "the values of a data object enum must be int of 32 bits, got YES = True"),
        (Far, "the values of a data object enum must be int of 32 bits, got AWAY = 1099511627776"),
        (InitVar[int], "an object that comes from a message has no value for it"),
        (Endless, "it contains itself"),
        ("List[int", "cannot read the annotation 'List[int': SyntaxError"),
        ("datetime.nope", "cannot read the annotation 'datetime.nope': AttributeError"),
        (typing.Callable[[int], int], "Got unsupported entry type"),
        (object, "Got unsupported entry type"),
        (None, "Got unsupported entry type"),
        (Literal[None], "Got unsupported entry type"),
        (5, "Got unsupported entry type 5"),
    ],
    ids=str,
)
def test_what_is_refused_comes_with_advice_and_place(annotation, advice):
    with pytest.raises(ValueError, match=r"\(field Wrong\.x\)$") as refused:
        make_dataobject(name="Wrong", annotations={"x": annotation}, package=PACKAGE)
    assert advice in str(refused.value)


def test_a_class_without_the_decorator_is_no_type():
    with pytest.raises(TypeError, match=r"^Undecorated has no message: .* \(field Wrong\.x\)$"):
        make_dataobject(name="Wrong", annotations={"x": Undecorated}, package=PACKAGE)


def test_an_undefined_name_is_told_with_its_field():
    cls = make("Undefined")
    with pytest.raises(NameError, match=rf"name 'Undefined' is not defined \(field {cls.__name__}\.x\)"):
        cls.get_proto_class()


@pytest.mark.parametrize("number", [2**29, 19000, 19999])
def test_numbers_that_protobuf_does_not_have(number):
    with pytest.raises(TypeError, match=rf"invalid field number \({number}\) of x in .*Wrong"):
        make_dataobject(name="Wrong", annotations={"x": Annotated[int, FieldNumber(number)]}, package=PACKAGE)


def test_a_dataclass_of_another_module_is_read_with_the_names_of_that_module(monkeypatch):
    other = ModuleType("module_of_a_plain_dataclass")
    monkeypatch.setitem(sys.modules, other.__name__, other)
    source = """
from __future__ import annotations
import dataclasses, datetime as calendar
@dataclasses.dataclass
class Inner:
    numbers: list[int]
@dataclasses.dataclass
class Plain:
    when: calendar.datetime | None = None
    inner: Inner | None = None
    kind: dataclasses.InitVar[int] = 3
"""
    exec(source, vars(other))
    cls = make(other.Plain)
    data = cls(cls.Plain(datetime.datetime(2024, 1, 2), cls.Plain.Inner([1])))
    assert cls.from_proto(data.to_proto()) == data
    assert cls.from_json(data.to_json()) == data


def test_class_variables_under_any_name_are_no_fields():
    names: dict[str, Any] = {"__name__": __name__}
    source = f"""
from __future__ import annotations
import typing as t
from dataclasses import KW_ONLY
from caikit.core.data_model import DataObjectBase, dataobject
@dataobject("{PACKAGE}")
class Constants(DataObjectBase):
    a: t.ClassVar[int] = 1
    b: ClassVar[int] = 2
    x: int
    _: KW_ONLY
    y: int = 4
"""
    exec(source, names)
    cls = names["Constants"]
    assert (cls.fields, cls.a, cls.b, cls(5, y=6).y) == (("x", "y"), 1, 2, 6)


def test_keyword_only_fields():
    @dataobject(PACKAGE)
    class Keywords(DataObjectBase):
        k: ClassVar = 3
        x: int
        _: KW_ONLY
        y: int
        z: int = dataclasses.field(default=7, kw_only=True)

    data = Keywords(1, y=2)
    assert (Keywords.fields, data.z, Keywords.from_proto(data.to_proto())) == (("x", "y", "z"), 7, data)
    with pytest.raises(TypeError, match="takes from 1 to 2 positional arguments but 3 were given"):
        Keywords(1, 2)
