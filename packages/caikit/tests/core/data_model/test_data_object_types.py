# The typing forms are what users write.
# ruff: noqa: UP006, UP007, UP035, UP045
"""Which annotations are fields, and what they become on the wire."""

import dataclasses
import datetime
import enum
import re
from typing import Annotated, Any, Dict, List, Literal, Optional, Set, Tuple, Union

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, struct_pb2, timestamp_pb2

from caikit.core.data_model import DataObjectBase, FieldNumber, OneofField, dataobject
from caikit.core.data_model._schema import Scalar, schema_of
from caikit.core.data_model.dataobject import make_dataobject
from caikit.core.data_model.json_dict import JsonDict

PACKAGE = "tests.data_object_types"
_count = iter(range(10_000))


def make(**annotations):
    return make_dataobject(name=f"Made{next(_count)}", annotations=annotations, package=PACKAGE)


def descriptor(cls):
    return cls.get_proto_class().DESCRIPTOR


def message_proto(cls):
    proto = descriptor_pb2.DescriptorProto()
    descriptor(cls).CopyToProto(proto)
    return proto


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (str, "string"),
        (int, "int64"),
        (float, "double"),
        (bool, "bool"),
        (bytes, "bytes"),
        (np.int32, "int32"),
        (np.int64, "int64"),
        (np.uint32, "uint32"),
        (np.uint64, "uint64"),
        (np.float32, "float"),
        (np.float64, "double"),
        (Literal["a", "b"], "string"),
        (Literal[1, 2], "int64"),
        ("str", "string"),
    ],
)
def test_scalars(annotation, kind):
    cls = make(x=annotation)
    assert schema_of(cls).fields[0].type == Scalar(kind)
    assert f"{kind} x = 1;" in cls.get_proto_class().to_proto_file()


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (datetime.datetime, "google.protobuf.Timestamp x = 1;"),
        (JsonDict, "google.protobuf.Struct x = 1;"),
        (Any, "google.protobuf.Any x = 1;"),
        (struct_pb2.Struct, "google.protobuf.Struct x = 1;"),
        (timestamp_pb2.Timestamp, "google.protobuf.Timestamp x = 1;"),
        (list[int], "repeated int64 x = 1;"),
        (List[Optional[str]], "repeated string x = 1;"),
        (dict[str, float], "map<string, double> x = 1;"),
        (Dict[bool, bytes], "map<bool, bytes> x = 1;"),
        (Dict[str, JsonDict], "map<string, google.protobuf.Struct> x = 1;"),
        (Dict[str, datetime.datetime], "map<string, google.protobuf.Timestamp> x = 1;"),
        (Optional[int], "optional int64 x = 1;"),
        (int | None, "optional int64 x = 1;"),
        (Optional[List[int]], "repeated int64 x = 1;"),
        (Annotated[int, FieldNumber(7)], "int64 x = 7;"),
        (Annotated[Optional[int], FieldNumber(7)], "  int64 x = 7;"),
        (Optional[Annotated[int, FieldNumber(7)]], "optional int64 x = 1;"),
        (Annotated[List[int], FieldNumber(31)], "repeated int64 x = 31;"),
    ],
)
def test_rendered_fields(annotation, text):
    assert text in make(x=annotation).get_proto_class().to_proto_file()


@pytest.mark.parametrize(
    "annotation",
    [
        tuple,
        Tuple[int, ...],
        Set[int],
        list,
        dict,
        List[List[int]],
        Dict[str, List[int]],
        List[Dict[str, int]],
        Dict[float, int],
        complex,
        bytearray,
        np.float16,
        np.bool_,
        np.ndarray,
        Literal["a", 1],
        Union[Dict[str, int], str],
    ],
)
def test_unsupported_annotations_are_refused_with_their_place(annotation):
    with pytest.raises(ValueError, match=r"Got unsupported entry type .*\(field Wrong\.x\)"):
        make_dataobject(name="Wrong", annotations={"x": annotation}, package=PACKAGE)


def test_numbers_count_the_fields_before_and_ignore_explicit_numbers():
    cls = make(a=int, b=Annotated[int, FieldNumber(50)], u=Union[int, str], c=int)
    assert {field.name: field.number for field in descriptor(cls).fields} == {
        "a": 1,
        "b": 50,
        "u_int": 3,
        "u_str": 4,
        "c": 5,
    }


def test_numbers_of_a_union_belong_to_its_members():
    cls = make(
        u=Union[Annotated[int, FieldNumber(10), OneofField("Foo")], Annotated[str, FieldNumber(20)]],
        v=Annotated[Union[int, str], FieldNumber(99)],
    )
    assert {field.name: field.number for field in descriptor(cls).fields} == {
        "foo": 10,
        "u_str": 20,
        "v_int": 3,
        "v_str": 4,
    }


def test_a_named_member_alone_is_a_union():
    cls = make(u=Annotated[int, OneofField("only")], w=Optional[Annotated[int, OneofField("ignored")]])
    assert [field.name for field in descriptor(cls).fields] == ["only", "w"]
    assert cls(u=3).only == 3


def test_duplicate_numbers_name_both_fields():
    with pytest.raises(TypeError, match=r"duplicate field number \(1\) in .*: a and b"):
        make(a=int, b=Annotated[int, FieldNumber(1)])


def test_two_numbers_on_one_field_are_refused():
    with pytest.raises(ValueError, match=r"Multiple .*FieldNumber.* annotations found"):
        make(a=Annotated[int, FieldNumber(1), FieldNumber(2)])


def test_a_number_is_positive():
    with pytest.raises(ValueError, match="A field number must be a positive integer"):
        FieldNumber(0)


def test_annotation_classes_of_other_packages_count_by_name():
    other = type("FieldNumber", (int,), {})
    assert descriptor(make(a=Annotated[int, other(9)])).fields[0].number == 9


def test_list_members_get_a_wrapping_message():
    cls = make(my_foo=Union[List[int], List[str]])
    assert [message.name for message in message_proto(cls).nested_type] == [
        "MyFooIntSequence",
        "MyFooStrSequence",
    ]
    assert cls(my_foo=["a"]).which_oneof("my_foo") == "my_foo_str_sequence"
    assert cls(cls.MyFooIntSequence(values=[1])).to_dict() == {"my_foo_int_sequence": {"values": [1]}}


class Plain(enum.Enum):
    ONE = 1
    TWO = 2


class Other(enum.Enum):
    THREE = 3


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.5


def test_plain_enums_are_nested():
    cls = make(e=Plain, m=Dict[str, Other], again=List[Plain])
    proto = message_proto(cls)
    assert [one.name for one in proto.enum_type] == ["Plain", "MOther"]
    assert [(value.name, value.number) for value in proto.enum_type[0].value] == [
        ("PLACEHOLDER_UNSET", 0),
        ("ONE", 1),
        ("TWO", 2),
    ]
    assert proto.enum_type[1].value[0].name == "MOTHER_PLACEHOLDER_UNSET"
    value = cls(e=Plain.TWO, m={"k": Other.THREE}, again=[1, Plain.TWO])
    assert value.to_json() == '{"e": "TWO", "m": {"k": "THREE"}, "again": ["ONE", "TWO"]}'
    assert cls.from_proto(value.to_proto()).m == {"k": 3}


def test_plain_dataclasses_are_nested():
    cls = make(p=Point, ps=List[Point])
    assert [one.name for one in message_proto(cls).nested_type] == ["Point"]
    value = cls(p=Point(1, 2.5), ps=[cls.Point(3)])
    assert value.to_json() == '{"p": {"x": 1, "y": 2.5}, "ps": [{"x": 3, "y": 0.5}]}'
    again = cls.from_proto(value.to_proto())
    assert again.p == cls.Point(1, 2.5)
    assert again.ps == [cls.Point(3, 0.5)]
    assert cls.from_json(value.to_json()) == again


def test_map_values_of_other_packages():
    @dataobject(f"{PACKAGE}.elsewhere")
    class Far(DataObjectBase):
        x: int

    cls = make(m=Dict[str, Far])
    assert cls.from_proto(cls(m={"k": Far(2)}).to_proto()).m == {"k": Far(2)}


@dataobject(PACKAGE)
class Tree(DataObjectBase):
    label: str
    children: List["Tree"]
    parent: Optional["Tree"]


def test_a_message_may_contain_itself():
    tree = Tree("a", [Tree("b", []), Tree("c", [Tree("d", [])])])
    again = Tree.from_proto(tree.to_proto())
    assert again == tree
    assert Tree.from_json(tree.to_json()) == tree
    assert Tree.from_json(tree.to_json()).to_json() == tree.to_json()


@dataobject(PACKAGE)
class Early(DataObjectBase):
    late: "Late"
    others: List["Late"]


@dataobject(PACKAGE)
class Late(DataObjectBase):
    x: int


def test_a_forward_reference_resolves_when_the_class_exists():
    assert Early.from_proto(Early(Late(1), [Late(2)]).to_proto()) == Early(Late(1), [Late(2)])
    assert Early.fields == ("late", "others")


def test_a_forward_reference_that_stays_open_is_named_on_use():
    @dataobject(PACKAGE)
    class Open(DataObjectBase):
        x: "NeverDefined"  # noqa: F821 - the point of the test

    with pytest.raises(NameError, match="NeverDefined"):
        Open(1)


def test_data_objects_that_refer_to_each_other_are_named():
    @dataobject(PACKAGE)
    class Chicken(DataObjectBase):
        eggs: List["Egg"]

    text = (
        "data objects cannot refer to each other, only to themselves: "
        f"{Chicken.__qualname__.replace('Chicken', 'Egg')} -> {Chicken.__qualname__} -> "
    )
    with pytest.raises(TypeError, match=re.escape(text)):

        @dataobject(PACKAGE)
        class Egg(DataObjectBase):
            mother: Chicken


def test_a_circle_of_data_objects_is_named():
    @dataobject(PACKAGE)
    class Rock(DataObjectBase):
        beats: Optional["Scissors"]

    @dataobject(PACKAGE)
    class Paper(DataObjectBase):
        beats: Rock

    with pytest.raises(TypeError, match=r"Scissors -> .*Paper -> .*Rock -> .*Scissors;"):

        @dataobject(PACKAGE)
        class Scissors(DataObjectBase):
            beats: Dict[str, Paper]


def test_class_names_stay_as_they_are():
    for name in ("lowerFirst", "With_underscore"):
        cls = make_dataobject(name=name, annotations={"x": int}, package=PACKAGE)
        assert cls.full_name == f"{PACKAGE}.{name}"
        assert cls.from_proto(cls(1).to_proto()).x == 1


def test_field_names_in_camel_case():
    cls = make(optionalFoo=int)
    assert cls.from_proto(cls(optionalFoo=2).to_proto()).optionalFoo == 2
    assert cls(optionalFoo=2).to_json() == '{"optionalFoo": 2}'
