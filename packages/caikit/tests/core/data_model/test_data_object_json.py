# The typing forms are what users write.
# ruff: noqa: UP006, UP007, UP035, UP045
"""Reading and writing JSON."""

import base64
import datetime
import json
import math
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Annotated, Dict, List, Optional, Union

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caikit.core.data_model import DataObjectBase, OneofField, dataobject
from caikit.core.data_model._codec import (
    JsonInputError,
    decode_json,
    decode_json_type,
    encode_json,
    parse_json,
)
from caikit.core.data_model._schema import Repeated, Scalar, schema_of
from caikit.core.data_model.json_dict import JsonDict

PACKAGE = "tests.data_object_json"
FLOAT32 = 3.4028234663852886e38


@dataobject(PACKAGE)
class Mood(Enum):
    CALM = 0
    HAPPY = 1
    GRUMPY = 5


@dataobject(PACKAGE)
class Person(DataObjectBase):
    name: str
    mood: Optional[Mood]
    tags: List[str]


@dataobject(PACKAGE)
class Everything(DataObjectBase):
    an_int: int
    a_float: float
    a_bool: bool
    a_str: str
    some_bytes: bytes
    i32: np.int32
    u32: np.uint32
    u64: np.uint64
    defaulted: int = 42
    floats: List[float]
    people: List[Person]
    counts: Dict[str, int]
    names: Dict[int, str]
    js: JsonDict
    when: datetime.datetime
    mood: Mood
    person: Person
    choice: Union[int, str]
    lists: Union[List[str], List[int], List[bool], List[float]]
    named: Union[Annotated[Person, OneofField("a_person")], Annotated[bool, OneofField("a_flag")]]
    f32: np.float32
    small_floats: List[np.float32]


def issues(value, cls=Everything):
    with pytest.raises(JsonInputError) as caught:
        decode_json(cls, value, ("inputs",))
    return [(issue.type, issue.loc, issue.msg) for issue in caught.value.issues]


@pytest.mark.parametrize(
    ("field", "given_value", "stored"),
    [
        ("an_int", 3.0, 3),
        ("an_int", "2", 2),
        ("an_int", "1e3", 1000),
        ("an_int", "-1.5E+1", -15),
        ("an_int", "9223372036854775807e0", 9223372036854775807),
        ("an_int", True, 1),
        ("an_int", 9007199254740993, 9007199254740993),
        ("a_float", 3, 3.0),
        ("a_float", "1.5", 1.5),
        ("a_bool", "true", True),
        ("a_bool", 1, True),
        ("a_bool", "off", False),
        ("some_bytes", "aGVsbG8=", b"hello"),
        ("some_bytes", "", b""),
        ("floats", [1, 2.5], [1.0, 2.5]),
        ("counts", {"a": "1"}, {"a": 1}),
        ("names", {"7": "x"}, {7: "x"}),
        (
            "js",
            {"x": [1, 2.5, None, True, {"y": "z"}], "n": None},
            {"x": [1, 2.5, None, True, {"y": "z"}], "n": None},
        ),
        ("mood", 5, Mood.GRUMPY),
        ("mood", "GRUMPY", Mood.GRUMPY),
        ("person", {"name": "A"}, Person("A")),
        ("choice", "5", "5"),
        ("choice", 5, 5),
        ("choice_str", "5", "5"),
        ("lists", [1], [1]),
        ("lists", [True], [True]),
        ("lists", [1.5], [1.5]),
        ("lists_float_sequence", {"values": [1]}, [1.0]),
        ("lists_float_sequence", [1], [1.0]),
        ("named", True, True),
        ("named", {"name": "A"}, Person("A")),
        ("a_flag", False, False),
        ("anInt", 4, 4),
        ("someBytes", "AA==", b"\x00"),
    ],
)
def test_lenient_input(field, given_value, stored):
    value = decode_json(Everything, {field: given_value})
    name = {"anInt": "an_int", "someBytes": "some_bytes"}.get(field, field)
    got = getattr(value, name)
    assert got == stored
    assert type(got) is type(stored)


def test_null_is_unset_for_every_field():
    nothing = decode_json(Everything, dict.fromkeys(field.name for field in schema_of(Everything).fields))
    assert nothing == decode_json(Everything, {}) == Everything()
    assert nothing.defaulted == 42


BASE64_LENGTH = (
    "Invalid base64-encoded string: number of data characters (9) cannot be 1 more than a multiple of 4"
)
INT = "Input should be a valid integer"


@pytest.mark.parametrize(
    ("field", "value", "kind", "message"),
    [
        ("an_int", "x", "int_parsing", f"{INT}, unable to parse string as an integer"),
        *(
            ("an_int", text, "int_parsing", f"{INT}, unable to parse string as an integer")
            for text in (
                "1e-1",
                "1.5e0",
                "e3",
                "1e",
                "1e999999999",
                "1e99999999999999999999",
                "\uff11e1",
                "nan",
            )
        ),
        ("an_int", "1e19", "less_than_equal", "Input should be less than or equal to 9223372036854775807"),
        ("an_int", "\uff11", "int_parsing", f"{INT}, unable to parse string as an integer"),
        ("an_int", 3.5, "int_from_float", f"{INT}, got a number with a fractional part"),
        ("an_int", [1], "int_type", INT),
        ("an_int", 2**63, "less_than_equal", "Input should be less than or equal to 9223372036854775807"),
        ("i32", 4294967296, "less_than_equal", "Input should be less than or equal to 2147483647"),
        ("u32", -1, "greater_than_equal", "Input should be greater than or equal to 0"),
        (
            "a_float",
            "x",
            "float_parsing",
            "Input should be a valid number, unable to parse string as a number",
        ),
        ("a_float", [], "float_type", "Input should be a valid number"),
        ("a_float", "Infinity", "finite_number", "Input should be a finite number"),
        ("f32", 1e300, "less_than_equal", f"Input should be between -{FLOAT32} and {FLOAT32}"),
        ("js", {"a": [{"b": math.nan}]}, "finite_number", "Input should hold finite numbers only"),
        ("a_bool", "maybe", "bool_parsing", "Input should be a valid boolean, unable to interpret input"),
        ("a_bool", {}, "bool_type", "Input should be a valid boolean"),
        ("a_str", 5, "string_type", "Input should be a valid string"),
        ("some_bytes", "aGVsbG8", "value_error", "Value error, Incorrect padding"),
        (
            "some_bytes",
            "not base64!",
            "value_error",
            f"Value error, {BASE64_LENGTH}",
        ),
        ("some_bytes", "aGVs bG8=", "value_error", "Value error, Only base64 data is allowed"),
        ("floats", {}, "list_type", "Input should be a valid array"),
        ("counts", [], "dict_type", "Input should be an object"),
        ("js", [1], "dict_type", "Input should be an object"),
        (
            "when",
            "yesterday",
            "datetime_parsing",
            "Input should be a valid datetime, invalid datetime format",
        ),
        ("when", True, "datetime_type", "Input should be a valid datetime"),
        ("mood", "NOPE", "enum", "Input should be 0, 1 or 5"),
        ("mood", 2, "enum", "Input should be 0, 1 or 5"),
        ("person", "x", "model_type", "Input should be an object"),
    ],
)
def test_refused_values(field, value, kind, message):
    assert issues({field: value}) == [(kind, ("inputs", field), message)]


def test_an_enum_that_does_not_fit_is_told_by_names_too():
    with pytest.raises(ValueError, match=r"^Input should be 0, 1 or 5 at mood \(CALM, HAPPY or GRUMPY\)$"):
        Everything.from_json({"mood": "NOPE"})


def test_every_issue_is_reported_with_its_place():
    assert issues(
        {
            "an_int": "x",
            "people": [{"name": "A"}, {"name": 1, "zzz": 2}],
            "counts": {"a": "b"},
            "lists": ["a", 1],
            "unknown": 1,
        }
    ) == [
        ("int_parsing", ("inputs", "an_int"), f"{INT}, unable to parse string as an integer"),
        ("string_type", ("inputs", "people", 1, "name"), "Input should be a valid string"),
        ("extra_forbidden", ("inputs", "people", 1, "zzz"), "Extra inputs are not permitted"),
        ("int_parsing", ("inputs", "counts", "a"), f"{INT}, unable to parse string as an integer"),
        ("string_type", ("inputs", "lists", "list[str]", 1), "Input should be a valid string"),
        ("int_parsing", ("inputs", "lists", "list[int]", 0), f"{INT}, unable to parse string as an integer"),
        (
            "bool_parsing",
            ("inputs", "lists", "list[bool]", 0),
            "Input should be a valid boolean, unable to interpret input",
        ),
        (
            "float_parsing",
            ("inputs", "lists", "list[float]", 0),
            "Input should be a valid number, unable to parse string as a number",
        ),
        ("extra_forbidden", ("inputs", "unknown"), "Extra inputs are not permitted"),
    ]


def test_two_members_of_one_union_are_refused():
    (issue,) = issues({"choice_int": 1, "choice": "a"})
    assert issue[0] == "value_error"
    assert "more than one member of choice" in issue[2]


def test_class_name_of_a_refused_object():
    with pytest.raises(JsonInputError, match="Input should be an object") as caught:
        decode_json(Person, [])
    assert caught.value.issues[0].ctx == {"class_name": f"{PACKAGE}.Person"}


def test_unknown_fields_may_be_ignored():
    assert decode_json(Person, {"name": "A", "zzz": 1}, ignore_unknown_fields=True) == Person("A")
    assert Person.from_json('{"name": "A", "zzz": 1}', ignore_unknown_fields=True).name == "A"
    with pytest.raises(ValueError, match="Extra inputs are not permitted at zzz"):
        Person.from_json('{"zzz": 1}')


def test_single_nodes():
    assert decode_json_type(Repeated(Scalar("int64")), ["1", 2.0], ()) == [1, 2]
    with pytest.raises(JsonInputError) as caught:
        decode_json_type(Repeated(Scalar("int64")), [1, "x"], ("parameters", "n"))
    assert caught.value.issues[0].loc == ("parameters", "n", 1)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-02T03:04:05Z", datetime.datetime(2024, 1, 2, 3, 4, 5)),
        ("2024-01-02T03:04:05.678", datetime.datetime(2024, 1, 2, 3, 4, 5, 678000)),
        ("2024-01-02T03:04:05.123456789Z", datetime.datetime(2024, 1, 2, 3, 4, 5, 123456)),
        ("2024-01-02T03:04:05+02:00", datetime.datetime(2024, 1, 2, 1, 4, 5)),
        ("2024-01-02 03:04", datetime.datetime(2024, 1, 2, 3, 4)),
        ("2024-01-02", datetime.datetime(2024, 1, 2)),
        (1704164645, datetime.datetime(2024, 1, 2, 3, 4, 5)),
        (1704164645678, datetime.datetime(2024, 1, 2, 3, 4, 5, 678000)),
    ],
)
def test_times(text, moment):
    local = moment.replace(tzinfo=datetime.timezone.utc).astimezone().replace(tzinfo=None)
    assert decode_json(Everything, {"when": text}).when == local


def test_what_is_printed_is_accepted():
    value = Everything(
        *(
            -5,
            1.5,
            True,
            "s",
            b"\x00\x01",
            -1,
            1,
            2,
            0,
            [0.1],
            [Person("A", Mood.HAPPY, ["t"])],
            {"k": 1},
            {3: "x"},
        ),
        *({"n": None, "l": [1]}, datetime.datetime(2024, 1, 2), Mood.GRUMPY, Person("B"), "str", [1.5], True),
    )
    text = value.to_json()
    assert decode_json(Everything, json.loads(text)) == value
    assert encode_json(value) == text.encode()
    assert json.loads(text)["choice_str"] == "str"


def test_from_json_arguments():
    assert Person.from_json({"name": "A"}).name == "A"
    with pytest.raises(TypeError, match="has type `int` not in"):
        Person.from_json(5)
    with pytest.raises(TypeError):
        Everything.from_json({"some_bytes": b"x"})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "EOF while parsing a value at line 1 column 0"),
        (b'{"model_id": ', "EOF while parsing a value at line 1 column 13"),
        (b"{x}", "expecting property name enclosed in double quotes at line 1 column 2"),
        (b"\xff\xfe", "invalid unicode code point"),
        (b"[" * 100_000, "recursion limit exceeded"),
    ],
)
def test_malformed_json(text, reason):
    with pytest.raises(JsonInputError) as caught:
        parse_json(text)
    (issue,) = caught.value.issues
    assert (issue.type, issue.loc, issue.msg) == ("json_invalid", (), f"Invalid JSON: {reason}")


def test_tokens_that_only_python_knows():
    assert math.isnan(parse_json(b'{"a": NaN}')["a"])
    assert Everything.from_json('{"a_float": Infinity}').a_float == math.inf
    assert Everything.from_json('{"a_float": "NaN"}').to_dict()["a_float"] != 0
    assert issues(parse_json(b'{"floats": [1.0, NaN]}'))[0][:2] == ("finite_number", ("inputs", "floats", 1))
    assert issues({"small_floats": [1.0, -1e300]})[0][:2] == (
        "less_than_equal",
        ("inputs", "small_floats", 1),
    )
    assert decode_json(Everything, {"small_floats": [1.0, -3e38]}).small_floats == [1.0, -3e38]


def test_deep_objects_are_refused():
    deep = value = {}
    for _ in range(200):
        value["a"] = value = {}
    assert issues({"js": deep})[0][0] == "recursion_loop"


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 1e16, 1e-5, 0.0, -0.0, 5e-324, 0.1, 1e22, -1e300]
)
def test_spelling_of_floats(value):
    assert Everything(a_float=value, floats=[value, 1.5]).to_json() == json.dumps(
        Everything(a_float=value, floats=[value, 1.5]).to_dict()
    )


@given(st.lists(st.floats(allow_nan=False) | st.floats(-1e-3, 1e-3)))
def test_lists_of_floats_are_spelled_as_python_does(values):
    assert Everything(floats=values).to_json() == json.dumps(Everything(floats=values).to_dict())


@given(st.floats())
def test_floats_are_spelled_as_python_does(value):
    assert Everything(a_float=value).to_json() == json.dumps(Everything(a_float=value).to_dict())


@pytest.mark.parametrize(
    "values",
    [
        [],
        [1, True, None],
        ["a", "b,c"],
        [1.5, "x"],
        (1.0, 2.0),
        [[0.00001], 1.0],
        [float("nan")],
        [2**70],
        [False],
        None,
    ],
)
def test_lists_that_are_not_what_they_should_be_are_printed_as_python_does(values):
    assert Everything(floats=values).to_json() == json.dumps({**Everything().to_dict(), "floats": values})


def test_unexpected_types_are_printed_or_refused_as_python_does():
    assert Person(name=5, tags="ab").to_json() == '{"name": 5, "mood": null, "tags": "ab"}'
    with pytest.raises(TypeError, match=r"Object of type <class 'numpy.int64'> is not JSON serializable"):
        Everything(an_int=np.int64(1)).to_json()
    assert "1" in repr(Everything(an_int=np.int64(1)))


def test_arrays_are_lists_in_json():
    assert Everything(floats=np.array([0.5, 1.0])).to_json() == Everything(floats=[0.5, 1.0]).to_json()
    assert Everything(floats=np.array([0.5])).to_dict()["floats"] == [0.5]


def test_text_is_ascii_unless_asked():
    assert Person("é\u2028").to_json() == json.dumps({"name": "é\u2028", "mood": None, "tags": None})
    assert "é" in Person("é").to_json(ensure_ascii=False)


def test_bytes_and_times_in_free_form_objects():
    value = Everything(js={"b": b"\x00", "t": datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)})
    assert json.loads(value.to_json())["js"] == {
        "b": base64.b64encode(b"\x00").decode(),
        "t": "2024-01-01T00:00:00Z",
    }


def test_a_default_handler_of_the_caller():
    assert Everything(an_int=np.int64(3)).to_json(default=int)[:12] == '{"an_int": 3'


@pytest.mark.parametrize(
    "content",
    [{"a_str": "\ud800"}, {"js": {"a": "\ud800"}}, {"js": {"\ud800": 1}}, {"js": {"a": [{"b": "\udfff"}]}}],
)
def test_half_a_character_is_refused_in_text_and_in_dictionaries(content):
    for given_value in (content, json.dumps(content)):
        with pytest.raises(JsonInputError, match="lone surrogate in a string"):
            Everything.from_json(given_value)


def test_text_that_is_no_unicode_is_refused():
    with pytest.raises(JsonInputError, match="lone surrogate"):
        parse_json(b'["\\ud800"]')
    assert parse_json(b'["\\ud83d\\ude00", NaN]')[0] == "\U0001f600"


@dataobject(PACKAGE)
class Chain(DataObjectBase):
    rest: List["Chain"]
    other: Optional[Person]


def test_the_first_use_may_come_from_many_threads():
    text = Chain([Chain([], Person("A"))]).to_json()
    start = threading.Barrier(8)

    def read(_):
        start.wait(5)
        return decode_json(Chain, json.loads(text)), Chain.from_json(text).to_json()

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(read, range(8)))
    assert all(value == results[0][0] for value, _ in results)
    assert len({printed for _, printed in results}) == 1


@dataobject(PACKAGE)
class Texts(DataObjectBase):
    texts: List[str]
    people: List[Person]
    js: JsonDict


def summary_of(value):
    with pytest.raises(JsonInputError) as caught:
        decode_json(Texts, value, ("inputs",))
    return caught.value, str(caught.value)


def test_few_issues_are_named():
    error, text = summary_of({"texts": ["a", *range(7)]})
    assert len(error.issues) == 7
    assert text.startswith("Input should be a valid string at inputs.texts.1; ")
    assert text.endswith("at inputs.texts.5; and 2 more")


@pytest.mark.parametrize(
    "value",
    [
        {"texts": [1] * 300_000},
        {f"key{number}": 1 for number in range(300_000)},
        {"people": [{"name": 1}] * 100_000},
        {"people": [{"name": "a"}] * 30_000 + [{"name": 1}]},
        {"js": 1, "x" * 1_000_000: 1},
    ],
    ids=["elements", "keys", "objects", "late", "long"],
)
def test_a_large_wrong_input_is_refused_soon(value):
    tracemalloc.start()
    try:
        error, text = summary_of(value)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()
    assert len(error.issues) <= 100
    assert len(text) < 3000
    if len(error.issues) == 100:
        assert text.endswith("; and at least 95 more")


@pytest.mark.parametrize("value", ["9" * 5000, "\N{SUPERSCRIPT TWO}", 1e400, -math.inf, math.nan, 2**31])
def test_numbers_that_no_enum_has(value):
    with pytest.raises(JsonInputError, match="Input should be"):
        Everything.from_json(f'{{"mood": {json.dumps(value)}}}')


def test_numbers_of_thousands_of_digits():
    with pytest.raises(JsonInputError, match=r"^Invalid JSON: number out of range$"):
        parse_json(b"[" + b"9" * 5000 + b"]")
