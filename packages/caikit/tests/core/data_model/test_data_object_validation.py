# The typing forms are what users write.
# ruff: noqa: UP006, UP007, UP035, UP045
"""`@dataobject(validate=True)`: constructors that check their values."""

import dataclasses
import datetime
import enum
import re
import uuid
from typing import Any, Dict, List, Optional, Union

import numpy as np
import pytest

from caikit.core.data_model import DataObjectBase, dataobject
from caikit.core.data_model.dataobject import make_dataobject
from caikit.core.data_model.json_dict import JsonDict
from caikit.interfaces.common.data_model import IntSequence

PACKAGE = "tests.data_object_validation"


@dataobject(PACKAGE)
class Mood(enum.Enum):
    GOOD = 1
    BAD = 2


@dataclasses.dataclass
class Point:
    x: int


@dataobject(PACKAGE)
class Inner(DataObjectBase):
    x: int


@dataobject(PACKAGE, validate=True)
class Checked(DataObjectBase):
    text: str
    number: int
    small: np.int32
    real: Optional[float]
    flag: bool
    data: bytes
    when: datetime.datetime
    free: JsonDict
    mood: Mood
    inner: Inner
    point: Point
    anything: Any
    numbers: List[int]
    reals: List[np.float32]
    inners: List[Inner]
    table: Dict[str, int]
    choice: Union[int, List[str], Inner]
    sequence: Union[IntSequence, str]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {
            "text": "a",
            "number": 2**63 - 1,
            "small": np.int64(3),
            "real": 1,
            "flag": np.bool_(True),
            "data": b"a",
        },
        {"number": True, "real": np.float32(1.5), "data": bytearray(b"a")},
        {
            "when": datetime.datetime(2024, 1, 1),
            "free": {"a": [1]},
            "mood": Mood.BAD,
            "inner": Inner("not checked"),
        },
        {"mood": 2},
        {"mood": 99},
        {"mood": "GOOD"},
        {"point": Point(1), "anything": Inner(1)},
        {"point": Checked.Point(1)},
        {"numbers": (1, 2), "reals": np.ones(3), "inners": [Inner(1)], "table": {"a": 1}},
        {"numbers": np.array([1, 2])},
        {"choice": 1},
        {"choice": ["a"]},
        {"choice_inner": Inner(1)},
        {"sequence": [1, 2]},
        {"sequence": IntSequence([1])},
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else "",
)
def test_right_values(arguments):
    data = Checked(**arguments)
    for name, value in arguments.items():
        assert getattr(data, name) is value
    assert isinstance(Checked.from_json("{}"), Checked)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"text": 3}, TypeError, "Checked.text: expected str, got int"),
        ({"text": b"a"}, TypeError, "Checked.text: expected str, got bytes"),
        ({"number": "3"}, TypeError, "Checked.number: expected int, got str"),
        ({"number": 3.0}, TypeError, "Checked.number: expected int, got float"),
        ({"number": 2**63}, ValueError, f"Checked.number: expected {-(2**63)} to {2**63 - 1}, got {2**63}"),
        ({"small": 2**31}, ValueError, f"Checked.small: expected {-(2**31)} to {2**31 - 1}, got {2**31}"),
        ({"real": "x"}, TypeError, "Checked.real: expected float, got str"),
        ({"flag": 1}, TypeError, "Checked.flag: expected bool, got int"),
        ({"data": "a"}, TypeError, "Checked.data: expected bytes, got str"),
        ({"when": "2024"}, TypeError, "Checked.when: expected datetime, got str"),
        ({"free": [1]}, TypeError, "Checked.free: expected dict, got list"),
        ({"mood": Point(1)}, TypeError, "Checked.mood: expected Mood, got Point"),
        ({"mood": True}, TypeError, "Checked.mood: expected Mood, got bool"),
        (
            {"mood": "UGLY"},
            ValueError,
            "Checked.mood: expected one of PLACEHOLDER_UNSET, GOOD, BAD, got 'UGLY'",
        ),
        ({"inner": {"x": 1}}, TypeError, "Checked.inner: expected Inner, got dict"),
        ({"point": Inner(1)}, TypeError, "Checked.point: expected Point, got Inner"),
        ({"numbers": "12"}, TypeError, "Checked.numbers: expected list, got str"),
        ({"numbers": iter([1])}, TypeError, "Checked.numbers: expected list, got list_iterator"),
        ({"numbers": [1, None]}, TypeError, "Checked.numbers[1]: expected int, got NoneType"),
        ({"reals": np.array(["a"])}, TypeError, "Checked.reals[0]: expected float, got str_"),
        ({"inners": [Inner(1), 3]}, TypeError, "Checked.inners[1]: expected Inner, got int"),
        ({"table": [1]}, TypeError, "Checked.table: expected dict, got list"),
        ({"table": {3: 1}}, TypeError, "key of Checked.table: expected str, got int"),
        ({"table": {"a": "b"}}, TypeError, "Checked.table['a']: expected int, got str"),
        ({"choice": 1.5}, TypeError, "Checked.choice: a value of type float fits none of the members"),
        ({"choice": [1]}, TypeError, "Checked.choice: a list of int fits none of the members"),
        ({"choice_inner": 3}, TypeError, "Checked.choice: expected Inner, got int"),
        ({"choice_str_sequence": ["a", 1]}, TypeError, "Checked.choice[1]: expected str, got int"),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else "",
)
def test_wrong_values(arguments, error, text):
    with pytest.raises(error, match=re.escape(text)):
        Checked(**arguments)


def test_it_is_off_unless_asked_for():
    assert Inner("wrong").x == "wrong"


def test_constructors_by_hand_are_checked_when_they_are_done():
    @dataobject(PACKAGE, validate=True)
    class ByHand(DataObjectBase):
        x: int

        def __init__(self, text=None):
            self.x = text and (int(text) if text.isdigit() else text)

    assert ByHand("12").x == 12
    assert ByHand.__init__.__qualname__.endswith("ByHand.__init__")
    with pytest.raises(TypeError, match=r"ByHand\.x: expected int, got str"):
        ByHand("a")


@dataobject(PACKAGE, validate=True)
class Early(DataObjectBase):
    late: "Late"


@dataobject(PACKAGE)
class Late(DataObjectBase):
    x: int


def test_classes_with_an_open_forward_reference():
    assert Early(Late(1)).late.x == 1
    with pytest.raises(TypeError, match=r"Early\.late: expected Late, got int"):
        Early(1)


def test_classes_made_at_run_time():
    cls = make_dataobject(name="AtRunTime", annotations={"x": int}, package=PACKAGE, validate=True)
    with pytest.raises(TypeError, match=r"AtRunTime\.x: expected int, got str"):
        cls("a")


@dataobject(PACKAGE)
class Unchecked(DataObjectBase):
    text: str
    number: int
    small: np.int32
    mood: Mood
    inner: Inner
    point: Point
    anything: Any
    when: datetime.datetime
    numbers: List[int]
    inners: List[Inner]
    table: Dict[str, Inner]
    choice: Union[int, List[str], Inner]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"number": "three"}, TypeError, "number: expected int, got str ('str' object cannot be interpreted"),
        ({"text": 5}, TypeError, "text: expected str, got int (bad argument type for built-in operation)"),
        ({"small": 2**40}, ValueError, "small: expected -2147483648 to 2147483647, got 1099511627776 ("),
        ({"mood": "SO_SO"}, ValueError, "mood: expected one of PLACEHOLDER_UNSET, GOOD, BAD, got 'SO_SO' ("),
        ({"inner": 3}, AttributeError, "inner: expected Inner, got int ("),
        ({"inner": Inner("a")}, TypeError, "inner.x: expected int, got str ("),
        ({"point": Point("a")}, TypeError, "point.x: expected int, got str ("),
        ({"anything": 3}, TypeError, "anything: expected a data object, got int"),
        ({"when": 3}, TypeError, "when: expected datetime, got int ("),
        ({"numbers": (1, "b")}, TypeError, "numbers[1]: expected int, got str ("),
        ({"numbers": iter((1, 2)), "number": "x"}, TypeError, "number: expected int, got str ("),
        ({"inners": [Inner(1), Inner("b")]}, TypeError, "inners[1].x: expected int, got str ("),
        ({"table": {"a": Inner(1), "b": Inner("b")}}, TypeError, "table['b'].x: expected int, got str ("),
        ({"choice": Inner("b")}, TypeError, "choice.x: expected int, got str ("),
        ({"choice": 1.5}, TypeError, "choice: a value of type float fits none of the members"),
    ],
)
def test_a_message_that_cannot_be_made_names_the_field(arguments, error, message):
    with pytest.raises(error, match=f"^Unchecked.{re.escape(message)}"):
        Unchecked(**arguments).to_proto()


@pytest.mark.parametrize(
    ("annotation", "default", "message"),
    [
        (int, "three", "expected int, got str"),
        (str, 5, "expected str, got int"),
        (np.int32, 2**40, "expected -2147483648 to 2147483647, got 1099511627776"),
        (Mood, "SO_SO", "expected one of PLACEHOLDER_UNSET, GOOD, BAD, got 'SO_SO'"),
        (int, 3, None),
        (int, True, None),
        (float, 3, None),
        (Mood, "GOOD", None),
        (Mood, Mood.BAD, None),
        (Optional[int], None, None),
    ],
)
def test_defaults_that_no_message_holds_are_announced(caplog, annotation, default, message):
    name = f"Defaults{uuid.uuid4().hex}"
    make_dataobject(name=name, annotations={"x": annotation}, attrs={"x": default}, package=PACKAGE)
    told = [record.msg["message"] % record.msg["args"] for record in caplog.records]
    assert told == ([f"The default of {name}.x: {message}"] if message else [])
