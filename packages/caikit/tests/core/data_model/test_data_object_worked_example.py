# The typing forms are what users write.
# ruff: noqa: UP006, UP007, UP035, UP045
"""One class with every type of field, in bytes, JSON and dictionaries."""

import copy
import dataclasses
import datetime
import json
import pickle
from dataclasses import field
from enum import Enum
from typing import Annotated, Any, Dict, List, Optional, Union

import numpy as np
import pytest
from google.protobuf import descriptor_pb2

from caikit.core.data_model import DataObjectBase, FieldNumber, dataobject
from caikit.core.data_model.json_dict import JsonDict

PACKAGE = "tests.data_object_worked_example"


@dataobject(f"{PACKAGE}.other")
class Color(Enum):
    RED = 1
    GREEN = 2


@dataobject(PACKAGE)
class Inner(DataObjectBase):
    x: int
    y: Optional[str]


@dataobject(PACKAGE)
class All(DataObjectBase):
    a_str: str
    a_int: int
    a_float: float
    a_bool: bool
    a_bytes: bytes
    a_dt: datetime.datetime
    a_json: JsonDict
    a_any: Any
    i32: np.int32
    i64: np.int64
    u32: np.uint32
    u64: np.uint64
    f32: np.float32
    f64: np.float64
    inner: Inner
    color: Color
    l_str: List[str]
    l_inner: List[Inner]
    l_color: List[Color]
    l_json: List[JsonDict]
    l_dt: List[datetime.datetime]
    m_si: Dict[str, int]
    m_if: Dict[int, float]
    m_sinner: Dict[str, Inner]
    m_sb: Dict[str, bytes]
    o_str: Optional[str]
    o_inner: Optional[Inner]
    o_list: Optional[List[str]]
    o_dict: Optional[Dict[str, int]]
    d_int: int = 5
    d_list: List[int] = field(default_factory=list)
    u: Union[str, int]
    u2: Union[str, int, None]
    ul: Union[List[str], List[int]]
    ud: Union[Inner, str]
    num: Annotated[str, FieldNumber(100)]
    after: str


FIELDS = """
a_str 1 STRING | a_int 2 INT64 | a_float 3 DOUBLE | a_bool 4 BOOL | a_bytes 5 BYTES
a_dt 6 google.protobuf.Timestamp | a_json 7 google.protobuf.Struct | a_any 8 google.protobuf.Any
i32 9 INT32 | i64 10 INT64 | u32 11 UINT32 | u64 12 UINT64 | f32 13 FLOAT | f64 14 DOUBLE
inner 15 P.Inner | color 16 P.other.Color
l_str 17 STRING repeated | l_inner 18 P.Inner repeated | l_color 19 P.other.Color repeated
l_json 20 google.protobuf.Struct repeated | l_dt 21 google.protobuf.Timestamp repeated
m_si 22 P.All.MSiEntry repeated | m_if 23 P.All.MIfEntry repeated
m_sinner 24 P.All.MSinnerEntry repeated | m_sb 25 P.All.MSbEntry repeated
o_str 26 STRING optional | o_inner 27 P.Inner optional | o_list 28 STRING repeated
o_dict 29 P.All.ODictEntry repeated | d_int 30 INT64 optional | d_list 31 INT64 repeated
u_str 32 STRING of u | u_int 33 INT64 of u | u2_str 34 STRING of u2 | u2_int 35 INT64 of u2
ul_str_sequence 36 P.All.UlStrSequence of ul | ul_int_sequence 37 P.All.UlIntSequence of ul
ud_inner 38 P.Inner of ud | ud_str 39 STRING of ud | num 100 STRING | after 41 STRING
"""


def describe(message: descriptor_pb2.DescriptorProto) -> list[str]:
    lines = []
    for one in message.field:
        kind = one.type_name.lstrip(".").replace(PACKAGE, "P") or one.Type.Name(one.type).removeprefix(
            "TYPE_"
        )
        words = [one.name, str(one.number), kind]
        if one.label == one.LABEL_REPEATED:
            words.append("repeated")
        if one.proto3_optional:
            words.append("optional")
        elif one.HasField("oneof_index"):
            words.append(f"of {message.oneof_decl[one.oneof_index].name}")
        lines.append(" ".join(words))
    return lines


def test_descriptor():
    file = descriptor_pb2.FileDescriptorProto()
    All.get_proto_class().DESCRIPTOR.file.CopyToProto(file)
    assert file.name == f"{PACKAGE}.all.proto"
    assert list(file.dependency) == [
        "google/protobuf/any.proto",
        "google/protobuf/struct.proto",
        "google/protobuf/timestamp.proto",
        f"{PACKAGE}.inner.proto",
        f"{PACKAGE}.other.color.proto",
    ]
    expected = [line.strip() for line in FIELDS.replace("\n", "|").split("|") if line.strip()]
    assert describe(file.message_type[0]) == expected
    assert [union.name for union in file.message_type[0].oneof_decl] == [
        *("u", "u2", "ul", "ud"),
        *("_o_str", "_o_inner", "_d_int"),
    ]


UNIONS = ("u", "u2", "ul", "ud")


def test_empty_object():
    unset = dict.fromkeys(field.name for field in dataclasses.fields(All) if field.name not in UNIONS)
    assert All().to_dict() == {**unset, "d_int": 5, "d_list": []}
    assert str(All().to_proto()) == "d_int: 5\n"


@dataobject(PACKAGE)
class M(DataObjectBase):
    s: str
    i: int
    f: float
    b: bool
    by: bytes
    dt: datetime.datetime
    js: JsonDict
    inner: Inner
    color: Color
    ls: List[str]
    li: List[Inner]
    lc: List[Color]
    lj: List[JsonDict]
    m: Dict[str, int]
    mi: Dict[str, Inner]
    os: Optional[str]
    oi: Optional[int]
    oin: Optional[Inner]
    d: int = 7
    u: Union[str, int]


MOMENT = (
    datetime.datetime(2024, 1, 2, 3, 4, 5, 678901, datetime.timezone.utc).astimezone().replace(tzinfo=None)
)


def full() -> M:
    return M(
        s="s",
        i=1,
        f=1.5,
        b=True,
        by=b"\x00\xff",
        dt=MOMENT,
        js={"a": 1, "b": [1.5, None, {"c": True}]},
        inner=Inner(1, "y"),
        color=Color.GREEN,
        ls=["a"],
        li=[Inner(2)],
        lc=[1, 2],
        lj=[{"q": 1}],
        m={"k": 1},
        mi={"z": Inner(3)},
        os="",
        oi=0,
        oin=Inner(),
        d=0,
        u="str",
    )


TEXT = (
    '{"s": "s", "i": 1, "f": 1.5, "b": true, "by": "AP8=", "dt": "2024-01-02T03:04:05.678901Z", '
    '"js": {"a": 1, "b": [1.5, null, {"c": true}]}, "inner": {"x": 1, "y": "y"}, "color": "GREEN", "ls": ["a"], '
    '"li": [{"x": 2, "y": null}], "lc": ["RED", "GREEN"], "lj": [{"q": 1}], "m": {"k": 1}, '
    '"mi": {"z": {"x": 3, "y": null}}, "os": "", "oi": 0, "oin": {"x": null, "y": null}, "d": 0, "u_str": "str"}'
)


def test_json_text():
    assert full().to_json() == TEXT


def test_json_text_with_options_is_the_same_json():
    assert json.loads(full().to_json(indent=3)) == json.loads(TEXT)
    assert "\n   " in full().to_json(indent=3)


def test_repr_and_str_are_indented_json():
    assert repr(Inner(1, "é")) == str(Inner(1, "é")) == '{\n  "x": 1,\n  "y": "é"\n}'


def test_json_round_trip():
    again = M.from_json(TEXT)
    assert M.from_json(again.to_json()).to_json() == again.to_json()
    assert again.u_str == "str"
    assert again.dt == MOMENT
    assert again.oin == Inner(0, None)


def test_empty_message_gives_protobuf_defaults_where_there_is_no_presence():
    assert M.from_proto(M().to_proto()).to_dict() == {
        "s": "",
        "i": 0,
        "f": 0.0,
        "b": False,
        "by": b"",
        "dt": None,
        "js": None,
        "inner": None,
        "color": "PLACEHOLDER_UNSET",
        "ls": [],
        "li": [],
        "lc": [],
        "lj": [],
        "m": {},
        "mi": {},
        "os": None,
        "oi": None,
        "oin": None,
        "d": 7,
    }


def test_default_of_a_field_that_is_absent_on_the_wire():
    message = M.get_proto_class()()
    assert M.from_proto(message).d == 7
    assert M.from_json("{}").d == 7


def test_bytes_round_trip():
    again = M.from_binary_buffer(full().to_binary_buffer())
    assert again.to_dict() == {**full().to_dict(), "oin": {"x": 0, "y": None}}
    assert again.to_proto() == full().to_proto()
    assert again.color == 2


def test_present_but_empty_message_stays_present():
    assert M.from_proto(M(inner=Inner()).to_proto()).inner == Inner(0, None)


def test_kwargs_round_trip():
    assert M(**full().to_kwargs()) == full()
    assert full().to_kwargs()["color"] is Color.GREEN


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_are_equal_and_keep_the_active_member(again):
    value = All(ul_int_sequence=[], u="x", l_inner=[Inner(1)])
    made = again(value)
    assert made == value
    assert made.which_oneof("ul") == "ul_int_sequence"
    assert made.which_oneof("u") == "u_str"


def test_any_holds_a_data_object():
    again = All.from_proto(All(a_any=Inner(3, "z")).to_proto())
    assert again.a_any == Inner(3, "z")
    assert All.from_json(again.to_json()).a_any == Inner(3, "z")
    assert again.to_dict()["a_any"] == {"@type": f"type.googleapis.com/{PACKAGE}.Inner", "x": 3, "y": "z"}
