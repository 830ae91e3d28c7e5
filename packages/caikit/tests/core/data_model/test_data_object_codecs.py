# The typing forms are what users write.
# ruff: noqa: UP006, UP007, UP035, UP045
"""Bytes: conversions, presence, overrides, vectors."""

from datetime import datetime
from typing import Annotated, Dict, List, Optional, Union

import numpy as np
import pytest
from google.protobuf import struct_pb2
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from caikit.core.data_model import DataObjectBase, OneofField, dataobject
from caikit.core.data_model._codec import decode_given, encode_bytes
from caikit.core.data_model.json_dict import JsonDict

PACKAGE = "tests.data_object_codecs"


@dataobject(PACKAGE)
class Inner(DataObjectBase):
    x: int


@dataobject(PACKAGE)
class Outer(DataObjectBase):
    number: int
    text: str
    flag: bool
    inner: Inner
    inners: List[Inner]
    by_name: Dict[str, Inner]
    numbers: List[int]
    maybe: Optional[int]
    js: JsonDict
    choice: Union[int, str, List[int]]
    defaulted: int = 3


def test_fill_proto_appends_and_merges():
    message = Outer.get_proto_class()(numbers=[1], by_name={"a": Inner(1).to_proto()})
    filled = Outer(numbers=[2], by_name={"b": Inner(2)}).fill_proto(message)
    assert filled is message
    assert list(message.numbers) == [1, 2]
    assert set(message.by_name) == {"a", "b"}


def test_falsy_values_are_written_where_presence_is_known():
    message = Outer(maybe=0, choice="").to_proto()
    assert message.HasField("maybe")
    assert message.WhichOneof("choice") == "choice_str"


def test_iterables_are_lists():
    assert list(Outer(numbers=(i for i in (1, 2)), inners=(Inner(1),)).to_proto().numbers) == [1, 2]


def test_bools_and_numpy_numbers_are_integers():
    value = Outer(number=True, numbers=[1, True, np.int32(3)], maybe=np.int64(2))
    assert value.to_binary_buffer() == Outer(number=1, numbers=[1, 1, 3], maybe=2).to_binary_buffer()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"number": "x"}, TypeError, "'str' object cannot be interpreted as an integer"),
        ({"number": 1.5}, TypeError, "'float' object cannot be interpreted as an integer"),
        ({"number": 2**63}, ValueError, "Value out of range: 9223372036854775808"),
        ({"text": 5}, TypeError, "bad argument type for built-in operation"),
        ({"inner": {"x": 1}}, AttributeError, "'dict' object has no attribute 'fill_proto'"),
        ({"js": {"a": b"x"}}, ValueError, "Unsupported value type: <class 'bytes'>"),
    ],
)
def test_errors_of_wrong_types(arguments, error, message):
    with pytest.raises(error, match=message):
        Outer(**arguments).to_proto()


def test_from_proto_checks_its_argument():
    with pytest.raises(TypeError, match="has type `dict`"):
        Outer.from_proto({})
    with pytest.raises(ValueError, match="class name `Outer` does not match protobufs name `Inner`"):
        Outer.from_proto(Inner(1).to_proto())
    with pytest.raises(DecodeError):
        Outer.from_binary_buffer(b"\xff\xff")


def test_only_given_fields():
    assert decode_given(Outer, b"") == {"number": 0, "text": "", "flag": False}
    value = Outer(1, "a", True, Inner(), [Inner(2)], {"k": Inner(3)}, [4], 0, {"a": 1}, [5], 0)
    assert decode_given(Outer, encode_bytes(value)) == {
        "number": 1,
        "text": "a",
        "flag": True,
        "inner": Inner(0),
        "inners": [Inner(2)],
        "by_name": {"k": Inner(3)},
        "numbers": [4],
        "maybe": 0,
        "js": {"a": 1},
        "choice": [5],
        "defaulted": 0,
    }


def test_malformed_bytes():
    with pytest.raises(ValueError, match=rf"expected a message of type {PACKAGE}\.Outer"):
        decode_given(Outer, b"\xff\xff")


@dataobject(PACKAGE)
class Loud(DataObjectBase):
    word: str

    def fill_proto(self, proto):
        super().fill_proto(proto)
        proto.word = proto.word.upper()
        return proto

    @classmethod
    def from_proto(cls, proto):
        made = super().from_proto(proto)
        made.word += "!"
        return made

    def to_dict(self):
        return {"loud": super().to_dict()["word"]}


@dataobject(PACKAGE)
class Louder(Loud):
    extra: int


@dataobject(PACKAGE)
class Reading(DataObjectBase):
    word: str

    def to_json(self, **kwargs):
        return '{"own": true}'

    @classmethod
    def from_json(cls, json_str, ignore_unknown_fields=False):
        return cls("own reader")


@dataobject(PACKAGE)
class Holder(DataObjectBase):
    one: Loud
    many: List[Loud]
    named: Dict[str, Loud]
    choice: Union[Annotated[Loud, OneofField("loud")], Annotated[int, OneofField("number")]]
    reading: Reading


def test_overridden_methods_of_nested_objects_are_used():
    holder = Holder(Loud("a"), [Loud("b")], {"c": Loud("c")}, Loud("d"), Reading("r"))
    message = holder.to_proto()
    assert (message.one.word, message.many[0].word, message.named["c"].word, message.loud.word) == (
        "A",
        "B",
        "C",
        "D",
    )
    again = Holder.from_proto(message)
    assert [again.one.word, again.many[0].word, again.named["c"].word, again.choice.word] == [
        "A!",
        "B!",
        "C!",
        "D!",
    ]
    assert holder.to_json() == (
        '{"one": {"loud": "a"}, "many": [{"loud": "b"}], "named": {"c": {"loud": "c"}}, '
        '"loud": {"loud": "d"}, "reading": {"own": true}}'
    )
    assert holder.to_dict()["many"] == [{"loud": "b"}]
    read = Holder.from_json('{"one": {"word": "a"}, "reading": {"anything": 1}}')
    assert read.one.word == "a!"
    assert read.reading.word == "own reader"


def test_overriding_methods_know_the_fields_of_subclasses():
    value = Louder("a", 5)
    assert (value.to_proto().word, value.to_proto().extra) == ("A", 5)
    assert Louder.from_proto(value.to_proto()).extra == 5


@dataobject(PACKAGE)
class Parent(DataObjectBase):
    x: int


Parent(1).to_proto()  # compiled before somebody overrides it below


@dataobject(PACKAGE)
class Overriding(Parent):
    y: int

    def fill_proto(self, proto):
        super().fill_proto(proto)
        proto.y += 1
        return proto


def test_super_reaches_all_fields_of_the_child():
    assert (Overriding(1, 2).to_proto().x, Overriding(1, 2).to_proto().y) == (1, 3)
    assert Parent(4).to_proto().x == 4


@dataobject(PACKAGE)
class Vector(DataObjectBase):
    doubles: List[np.float64]
    floats: List[np.float32]
    integers: List[np.int32]
    flags: List[bool]


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int32"])
def test_arrays(dtype):
    array = np.arange(5, dtype=dtype)
    vector = Vector(doubles=array, floats=array)
    assert vector.doubles is array
    message = vector.to_proto()
    assert list(message.doubles) == list(message.floats) == [0, 1, 2, 3, 4]
    assert Vector(integers=np.arange(3)).to_proto().integers == [0, 1, 2]
    assert Vector(flags=np.array([True, False])).to_proto().flags == [True, False]


def test_arrays_that_are_not_contiguous():
    assert list(Vector(doubles=np.arange(6.0)[::2]).to_proto().doubles) == [0, 2, 4]


def test_objects_with_arrays_compare():
    assert Vector(np.array([1.0])) == Vector(np.array([1.0]))
    assert Vector(np.array([1.0, 2.0])) != Vector(np.array([1.0, 3.0]))
    assert Vector(np.array([1.0, 2.0])) != Vector(np.array([1.0, 2.0, 3.0]))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
inners = st.builds(Inner, x=st.integers(-(2**63), 2**63 - 1))
outers = st.builds(
    Outer,
    number=st.integers(-(2**63), 2**63 - 1),
    text=st.text(max_size=10),
    flag=st.booleans(),
    inner=st.none() | inners,
    inners=st.lists(inners, max_size=3),
    by_name=st.dictionaries(st.text(max_size=3), inners, max_size=3),
    numbers=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3),
    maybe=st.none() | st.integers(-3, 3),
    js=st.none() | st.dictionaries(st.text(max_size=3), json_values, max_size=3),
    choice=st.none() | st.integers(-3, 3) | st.text(max_size=3) | st.lists(st.integers(-3, 3), max_size=3),
    defaulted=st.integers(-3, 3),
)


@given(outers)
def test_round_trips(value):
    assert Outer.from_binary_buffer(encode_bytes(value)) == value
    assert Outer.from_json(value.to_json()) == value
    assert Outer(**value.to_kwargs()) == value


def test_struct_messages_as_annotation():
    @dataobject(PACKAGE)
    class WithStruct(DataObjectBase):
        js: struct_pb2.Struct

    assert WithStruct.from_proto(WithStruct({"a": [1]}).to_proto()).js == {"a": [1]}


@dataobject(PACKAGE)
class Dated(DataObjectBase):
    when: datetime
    times: List[datetime]
    choice: Union[datetime, int]


@pytest.mark.parametrize("seconds", [2**62, -(2**62), 253402300800 + 86400, -62135596801 - 86400])
@pytest.mark.parametrize("field", ["when", "times", "choice_datetime"])
def test_times_that_no_calendar_has(seconds, field):
    message = Dated.get_proto_class()()
    target = getattr(message, field)
    (target.add() if field == "times" else target).seconds = seconds
    data = message.SerializeToString()
    text = f"expected a time in the years 1 to 9999, got {seconds} seconds since 1970 at Dated.{field}"
    for read in (
        Dated.from_proto,
        lambda _: Dated.from_binary_buffer(data),
        lambda _: decode_given(Dated, data),
    ):
        with pytest.raises(ValueError, match=text):
            read(message)


@dataobject(PACKAGE)
class Overflowing(DataObjectBase):
    x: int

    @classmethod
    def from_proto(cls, proto):
        raise OverflowError("too large")


@dataobject(PACKAGE)
class HoldsOverflowing(DataObjectBase):
    inner: Overflowing


def test_numbers_that_a_conversion_cannot_hold():
    with pytest.raises(ValueError, match=r"expected a message of type .*HoldsOverflowing: too large"):
        decode_given(HoldsOverflowing, b"\x0a\x00")
