"""Data objects are Python classes: bases, mixins, slots, copies, dataclass functions."""

import abc
import copy
import dataclasses
import enum
import inspect
import pickle
import weakref
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar

import pytest

from caikit.core.data_model import DataObjectBase, ProducerId, dataobject

PACKAGE = "tests.data_object_python"
Item = TypeVar("Item")


def assert_round_trips(data):
    assert type(data).from_proto(data.to_proto()) == data
    assert type(data).from_json(data.to_json()) == data
    assert copy.copy(data) == data
    assert copy.deepcopy(data) == data


@dataclass
class Stamped:
    by: str
    version: int = 1
    notes: list[str] = field(default_factory=list)


@dataobject(PACKAGE)
class Document(DataObjectBase, Stamped):
    text: str


@dataobject(PACKAGE)
class Chapter(Document):
    number: int


def test_fields_of_plain_dataclasses_are_inherited():
    assert Document.fields == ("by", "version", "notes", "text")
    assert Chapter.fields == ("by", "version", "notes", "text", "number")
    assert Document.__match_args__ == Document.fields
    data = Chapter("me", text="a", number=2)
    assert (data.version, data.notes) == (1, [])
    assert [one.name for one in dataclasses.fields(Chapter)] == list(Chapter.fields)
    assert_round_trips(data)
    assert isinstance(data, Stamped)
    assert pickle.loads(pickle.dumps(data)) == data


def test_generic_and_abstract_classes():
    class Meta(type(DataObjectBase), abc.ABCMeta):
        pass

    @dataobject(PACKAGE)
    class Shape(DataObjectBase, Generic[Item], metaclass=Meta):
        name: str

        @abc.abstractmethod
        def area(self): ...

    @dataobject(PACKAGE)
    class Square(Shape[int]):
        side: int

        def area(self):
            return self.side**2

    with pytest.raises(TypeError, match="abstract class Shape"):
        Shape("a")
    assert Square("a", 3).area() == 9
    assert_round_trips(Square("a", 3))


def test_mixins_may_come_first_and_take_arguments():
    class Tagged:
        def __init_subclass__(cls, tag=None, **kwargs):
            super().__init_subclass__(**kwargs)
            cls.tag = tag

    @dataobject(PACKAGE)
    class TaggedData(Tagged, DataObjectBase, tag="t"):
        x: int

    assert TaggedData.tag == "t"
    assert_round_trips(TaggedData(1))


def test_slots_of_the_user():
    @dataobject(PACKAGE)
    class Cached(DataObjectBase):
        __slots__ = ("_cache", "x")
        x: int

    data = Cached(1)
    data._cache = 3
    assert_round_trips(data)
    with pytest.raises(AttributeError):
        data.other = 1
    with pytest.raises(TypeError, match="weak reference"):
        weakref.ref(data)


def test_weak_references_where_they_are_asked_for():
    @dataobject(PACKAGE)
    class Watched(DataObjectBase):
        __slots__ = ("__weakref__",)
        x: int

    data = Watched(1)
    assert weakref.ref(data)() is data
    assert_round_trips(data)


def test_one_parent_with_fields():
    @dataobject(PACKAGE)
    class Left(DataObjectBase):
        a: int

    with pytest.raises(
        TypeError, match="Both: only one of the bases may be a data object with fields, got Left and Part"
    ):

        class Both(Left, Part):
            pass


def test_properties_constants_and_post_init():
    @dataobject(PACKAGE)
    class Doubled(DataObjectBase):
        FACTOR: ClassVar[int] = 2
        x: int

        def __post_init__(self):
            self.x = self.x or 7

        @property
        def double(self):
            return self.FACTOR * self.x

        @double.setter
        def double(self, value):
            self.x = value // self.FACTOR

    data = Doubled()
    assert (data.double, Doubled.fields) == (14, ("x",))
    data.double = 10
    assert data.x == 5
    assert_round_trips(data)


@dataobject(PACKAGE)
class Part(DataObjectBase):
    a: int


@dataobject(PACKAGE)
class Whole(DataObjectBase):
    part: Part
    parts: list[Part]
    table: dict[str, Part]
    choice: int | str
    hidden: int = field(default=1, compare=False, repr=False, metadata={"unit": "m"})


def test_dataclass_functions():
    data = Whole(Part(1), [Part(2)], {"k": Part(3)}, "s")
    assert dataclasses.is_dataclass(Whole)
    assert dataclasses.asdict(data) == {
        "part": {"a": 1},
        "parts": [{"a": 2}],
        "table": {"k": {"a": 3}},
        "choice": "s",
        "hidden": 1,
    }
    assert dataclasses.astuple(data) == ((1,), [(2,)], {"k": (3,)}, "s", 1)
    changed = dataclasses.replace(data, choice=4)
    assert (changed.which_oneof("choice"), changed.part) == ("choice_int", data.part)
    assert dataclasses.fields(Whole)[-1].metadata == {"unit": "m"}


def test_pattern_matching():
    match Whole(Part(1), choice="s"):
        case Whole(Part(a), choice=str() as text):
            assert (a, text) == (1, "s")
        case _:
            pytest.fail("expected a match")


def test_signatures_say_all_names():
    parameters = inspect.signature(Whole).parameters
    assert list(parameters) == ["part", "parts", "table", "choice", "hidden", "choice_int", "choice_str"]
    assert all(one.default is not inspect.Parameter.empty for one in parameters.values())


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_every_protocol(protocol):
    data = ProducerId("a", "1")
    assert pickle.loads(pickle.dumps(data, protocol)) == data
    whole = Whole(Part(1), [Part(2)], {"k": Part(3)}, "s")
    again = pickle.loads(pickle.dumps(whole, protocol))
    assert (again, again.which_oneof("choice")) == (whole, "choice_str")


@pytest.mark.parametrize("default", [[], {}, set(), Part(1)], ids=repr)
def test_mutable_defaults_are_refused(default):
    with pytest.raises(ValueError, match="use default_factory"):
        type(DataObjectBase)("Wrong", (DataObjectBase,), {"__annotations__": {"x": int}, "x": default})


def test_defaults_may_be_enum_members():
    class Level(enum.Enum):
        LOW = 1

    @dataobject(PACKAGE)
    class Levelled(DataObjectBase):
        level: Level = Level.LOW
        other: Level | None = None

    assert Levelled().to_json() == '{"level": "LOW", "other": null}'


def test_objects_that_contain_themselves_end_in_an_error_and_not_in_a_crash():
    @dataobject(PACKAGE)
    class Snake(DataObjectBase):
        tail: "Snake"

    data = Snake()
    data.tail = data
    for use in (data.to_proto, data.to_json, data.to_dict):
        with pytest.raises(RecursionError):
            use()
