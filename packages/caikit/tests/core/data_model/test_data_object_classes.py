# The typing forms are what users write.
# ruff: noqa: UP006, UP007, UP035, UP045
"""Constructors, attributes, inheritance, registration."""

import dataclasses
import inspect
from dataclasses import dataclass, field
from enum import Enum
from typing import Dict, List, Optional, Union

import pytest
from google.protobuf import descriptor_pool, timestamp_pb2

from caikit.core.data_model import (
    CAIKIT_DATA_MODEL,
    DataBase,
    DataObjectBase,
    ProducerId,
    TrainingStatus,
    dataobject,
    render_dataobject_protos,
)
from caikit.core.data_model.dataobject import get_generated_proto_classes, make_dataobject
from caikit.core.data_model.prediction_status import PredictionJobStatus

PACKAGE = "tests.data_object_classes"


@dataobject(PACKAGE)
class Inner(DataObjectBase):
    """Docs stay."""

    x: int
    y: Optional[str]

    def double(self):
        return self.x * 2

    @property
    def shout(self):
        return self.y.upper()


def test_the_same_class_comes_back():
    class Mine(DataObjectBase):
        x: int

    assert dataobject(PACKAGE)(Mine) is Mine
    assert Mine.__doc__ is None
    assert Inner.__doc__ == "Docs stay."
    assert Inner(2, "a").double() == 4
    assert Inner(2, "a").shout == "A"


def test_packages_and_names():
    @dataobject
    class TestsBarePackage(DataObjectBase):
        x: int

    @dataobject()
    class TestsEmptyCall(DataObjectBase):
        x: int

    @dataobject(package=PACKAGE, name="Renamed")
    class Original(DataObjectBase):
        x: int

    assert TestsBarePackage.full_name == f"{CAIKIT_DATA_MODEL}.TestsBarePackage"
    assert TestsEmptyCall.full_name == f"{CAIKIT_DATA_MODEL}.TestsEmptyCall"
    assert Original.full_name == f"{PACKAGE}.Renamed"
    assert Original.__name__ == "Original"
    assert Original.get_proto_class().DESCRIPTOR.file.name == f"{PACKAGE}.renamed.proto"


def test_misuse_of_the_decorator():
    class NoDataObject:
        x: int

    with pytest.raises(ValueError, match="NoDataObject must inherit from DataObjectBase/Enum"):
        dataobject(PACKAGE)(NoDataObject)
    with pytest.raises(TypeError, match="Got multiple values for argument 'package'"):
        dataobject(PACKAGE, package=PACKAGE)
    with pytest.raises(TypeError, match="unexpected keyword argument 'foo'"):
        dataobject(PACKAGE, foo=1)


def test_mutable_defaults_are_refused():
    with pytest.raises(ValueError, match="use default_factory"):

        class Bad(DataObjectBase):
            x: List[int] = []


def redefine(**annotations):
    return make_dataobject(name="Redefined", annotations=annotations, package=PACKAGE)


def test_a_class_may_be_defined_again_if_its_message_is_the_same():
    first = redefine(x=int, y=Optional[str])
    second = redefine(x=int, y=Optional[str])
    assert first.get_proto_class().DESCRIPTOR is second.get_proto_class().DESCRIPTOR
    assert DataBase.get_class_for_name(f"{PACKAGE}.Redefined") is second
    for different in ({"x": int}, {"x": str, "y": Optional[str]}, {"x": int, "y": str}):
        with pytest.raises(TypeError, match=r"Cannot add new file .*redefined\.proto to descriptor pool"):
            redefine(**different)


def test_two_classes_of_one_name():
    redefine(x=int, y=Optional[str])
    message = (
        rf'two data objects are called Redefined in package {PACKAGE}; rename one or use @dataobject\("my'
    )
    with pytest.raises(TypeError, match=message):
        redefine(z=int)


def test_another_default_pool(monkeypatch):
    pool = descriptor_pool.DescriptorPool()
    monkeypatch.setattr(descriptor_pool, "Default", lambda: pool)

    @dataobject(PACKAGE)
    class InOtherPool(DataObjectBase):
        inner: Inner

    assert InOtherPool.get_proto_class().DESCRIPTOR.file.pool is pool
    assert InOtherPool.from_proto(InOtherPool(Inner(1)).to_proto()).inner.x == 1


def test_positional_and_keyword_arguments():
    assert Inner(1, y="a") == Inner(1, "a") == Inner(x=1, y="a")
    assert Inner() == Inner(None, None)
    assert list(inspect.signature(Inner).parameters) == ["x", "y"]
    with pytest.raises(
        TypeError, match=r"Inner.__init__\(\) takes from 1 to 3 positional arguments but 4 were given"
    ):
        Inner(1, "a", 3)
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'zz'"):
        Inner(zz=1)
    with pytest.raises(TypeError, match="got multiple values for argument 'x'"):
        Inner(1, x=1)


def test_defaults():
    def function():
        return 1

    @dataobject(PACKAGE)
    class Defaulted(DataObjectBase):
        number: int = 5
        items: List[int] = field(default_factory=list)
        text: str = field(default="t", metadata={"about": "text"})
        unset: Optional[str] = None

    assert Defaulted().to_kwargs() == {"number": 5, "items": [], "text": "t", "unset": None}
    assert Defaulted().items is not Defaulted().items
    assert Defaulted.get_field_defaults() == {"number": 5, "items": list, "text": "t", "unset": None}
    assert dataclasses.fields(Defaulted)[2].metadata == {"about": "text"}
    file = Defaulted.get_proto_class().to_proto_file()
    assert "optional int64 number" in file
    assert "repeated int64 items" in file
    assert "optional string text" in file


def test_dataclass_functions_work():
    value = Inner(1, "a")
    assert dataclasses.is_dataclass(Inner)
    assert [one.name for one in dataclasses.fields(value)] == ["x", "y"]
    assert dataclasses.replace(value, x=2) == Inner(2, "a")
    assert dataclasses.asdict(value) == {"x": 1, "y": "a"}


def test_stacked_over_dataclass():
    @dataobject(PACKAGE)
    @dataclass
    class Stacked(DataObjectBase):
        x: int = 3
        items: List[str] = field(default_factory=lambda: ["a"])

        def __post_init__(self):
            self.x += 1

    assert Stacked().to_dict() == {"x": 4, "items": ["a"]}
    assert repr(Stacked()) == Stacked().to_json(indent=2)
    assert Stacked.from_proto(Stacked(1).to_proto()).x == 3


def test_attributes_are_slots():
    value = Inner(1)
    with pytest.raises(AttributeError, match="'Inner' object has no attribute 'zzz'"):
        value.zzz = 1
    with pytest.raises(AttributeError, match="'Inner' object has no attribute 'zzz'"):
        _ = value.zzz
    with pytest.raises(AttributeError, match="x"):
        _ = Inner.__new__(Inner).x
    assert "x" in dir(value)


def test_private_slots():
    @dataobject(PACKAGE)
    class Cached(DataObjectBase):
        _private_slots = ("_cache",)
        x: int

    value = Cached(1)
    value._cache = 5
    assert value._cache == 5
    assert Cached.fields == ("x",)


def test_equality_and_hash():
    @dataobject(PACKAGE)
    class Child(Inner):
        pass

    assert Inner(1) != {"x": 1}
    assert Inner(1) != Child(1)
    assert Inner(1) != Inner(2)
    with pytest.raises(TypeError, match="unhashable"):
        hash(Inner(1))


def test_inherited_fields_come_first_and_keep_their_place():
    @dataobject(PACKAGE)
    class Base(DataObjectBase):
        foo: int
        bar: int

    @dataobject(PACKAGE)
    class Derived(Base):
        bar: str
        baz: str

    @dataobject(PACKAGE)
    class Same(Base):
        pass

    value = Derived(1, "asdf", "qwer")
    assert (value.foo, value.bar, value.baz) == (1, "asdf", "qwer")
    assert Derived().bar is None
    assert Derived.from_proto(value.to_proto()) == value
    assert issubclass(Derived, Base)
    text = Derived.get_proto_class().to_proto_file()
    assert "  int64 foo = 1;\n  string bar = 2;\n  string baz = 3;\n" in text
    assert Same.from_proto(Same(1, 2).to_proto()) == Same(1, 2)
    assert Base.from_proto(Base(1, 2).to_proto()) == Base(1, 2)


def test_a_union_may_replace_a_plain_field_and_the_other_way_round():
    @dataobject(PACKAGE)
    class PlainParent(DataObjectBase):
        a: int
        b: Union[int, str]

    @dataobject(PACKAGE)
    class UnionChild(PlainParent):
        a: Union[int, str]
        b: int

    value = UnionChild("x", 3)
    assert value.a_str == "x"
    assert UnionChild.from_proto(value.to_proto()) == value
    assert PlainParent.from_proto(PlainParent(1, "x").to_proto()) == PlainParent(1, "x")


def test_mixins():
    class Mixin:
        __slots__ = ()

        def hello(self):
            return f"hello {self.x}"

    made = make_dataobject(
        name="Mixed", annotations={"x": int}, bases=(Mixin,), attrs={"KIND": 1}, package=PACKAGE
    )
    assert made.__name__ == "Mixed"
    assert made.__annotations__ == {"x": int}
    assert made(1).hello() == "hello 1"
    assert made.KIND == 1


def test_custom_constructors_are_kept():
    @dataobject(PACKAGE)
    class Custom(DataObjectBase):
        x: int
        y: Optional[int]

        def __init__(self, x, y=10):
            self.x = x
            self.y = y * 2

    assert Custom(1).y == 20
    again = Custom.from_proto(Custom.get_proto_class()(x=3))
    assert (again.x, again.y) == (3, 20)
    assert Custom.from_json('{"x": 3, "y": 4}').y == 8


def test_post_init_runs_for_every_source():
    @dataobject(PACKAGE)
    class Checked(DataObjectBase):
        x: int

        def __post_init__(self):
            if self.x == 13:
                raise ValueError("unlucky")

    message = Checked.get_proto_class()(x=13)
    for make in (
        lambda: Checked(13),
        lambda: Checked.from_proto(message),
        lambda: Checked.from_json('{"x": 13}'),
    ):
        with pytest.raises(ValueError, match="unlucky"):
            make()


def test_nested_definitions_are_messages_of_their_own():
    @dataobject(PACKAGE)
    class Outside(DataObjectBase):
        @dataobject(PACKAGE)
        class Inside(DataObjectBase):
            @dataobject(PACKAGE)
            class Level(Enum):
                LOW = 0

            level: Level

        inside: Inside

    assert Outside.Inside.full_name == f"{PACKAGE}.Inside"
    assert Outside(Outside.Inside(Outside.Inside.Level.LOW)).to_dict() == {"inside": {"level": "LOW"}}


def test_look_ups():
    assert DataBase.get_class_for_proto(Inner.get_proto_class()()) is Inner
    assert DataBase.get_class_for_proto(Inner.get_proto_class().DESCRIPTOR) is Inner
    assert DataBase.get_class_for_name(Inner.full_name) is Inner
    with pytest.raises(TypeError):
        DataBase.get_class_for_proto(Inner.get_proto_class())
    with pytest.raises(ValueError, match="No data model class match for nope"):
        DataBase.get_class_for_name("nope")
    for package in ("one", "two"):
        make_dataobject(name="TestsDuplicate", annotations={"x": int}, package=f"{PACKAGE}.{package}")
    with pytest.raises(
        ValueError, match=r"Conflicting data model classes for \[TestsDuplicate\]: \['tests.*one"
    ):
        DataBase.get_class_for_name("TestsDuplicate")
    with pytest.raises(AttributeError, match=r"no data model class found .* `google.protobuf.Timestamp`"):
        DataBase.get_class_for_proto(timestamp_pb2.Timestamp())


def test_field_message_types():
    cls = make_dataobject(
        name="Typed",
        annotations={"a": List[Inner], "u": Union[int, str], "m": Dict[str, int]},
        package=PACKAGE,
    )
    assert cls.get_field_message_type("a") is Inner
    assert cls.get_field_message_type("u_str") is str
    with pytest.raises(AttributeError, match="Invalid field nope"):
        cls.get_field_message_type("nope")
    assert cls.fields == ("a", "u_int", "u_str", "m")


def test_file_operations():
    @dataobject(PACKAGE)
    class Filed(DataObjectBase):
        x: int

        def to_file(self, file_obj):
            file_obj.write(b"x")

        @classmethod
        def from_file(cls, file_obj):
            return cls(len(file_obj.read()))

    assert Filed.supports_file_operations
    assert not Inner.supports_file_operations
    with pytest.raises(NotImplementedError, match="to_file not implemented for <class"):
        Inner(1).to_file(None)
    with pytest.raises(NotImplementedError, match="from_file not implemented for <class"):
        Inner.from_file(None)


def test_rendering(tmp_path):
    render_dataobject_protos(str(tmp_path / "deep" / "er"))
    files = {path.name for path in (tmp_path / "deep" / "er").iterdir()}
    assert {f"{PACKAGE}.inner.proto", "caikit_data_model.common.producerid.proto"} <= files
    assert files == {one.DESCRIPTOR.file.name for one in get_generated_proto_classes()}
    Inner.get_proto_class().write_proto_file(str(tmp_path))
    assert (tmp_path / f"{PACKAGE}.inner.proto").read_text() == Inner.get_proto_class().to_proto_file()


def test_built_in_objects():
    assert ProducerId("a", "1") + ProducerId("b", "2") == ProducerId("a & b", "0.0.0")
    assert TrainingStatus is PredictionJobStatus
    assert TrainingStatus.ERRORED.is_terminal
    assert not TrainingStatus.RUNNING.is_terminal
    assert TrainingStatus._proto_enum.items()[0] == ("PLACEHOLDER_UNSET", 0)


def test_a_wrong_value_of_a_map_is_named():
    @dataobject(PACKAGE)
    class Counted(DataObjectBase):
        counts: dict[str, int]

    with pytest.raises(TypeError, match="expected a dict, got int"):
        Counted(3).to_proto()


def test_fields_outside_the_constructor_are_read():
    @dataobject(PACKAGE)
    class Doubled(DataObjectBase):
        x: int
        y: int = dataclasses.field(init=False)

        def __post_init__(self):
            self.y = 2 * (self.x or 0)

    assert Doubled(2).y == 4
    assert Doubled.from_json('{"x": 1, "y": 9}').y == 9
    assert Doubled.from_json('{"x": "1", "y": 9}').y == 9
    assert Doubled.from_proto(Doubled(3).to_proto()).y == 6


def test_only_one_base_may_have_fields():
    @dataobject(PACKAGE)
    class Left(DataObjectBase):
        x: int

    @dataobject(PACKAGE)
    class Right(DataObjectBase):
        y: int

    with pytest.raises(TypeError, match=r"Both: only one of the bases .* got Left and Right"):

        class Both(Left, Right):
            pass
