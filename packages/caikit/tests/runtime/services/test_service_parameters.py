"""Which parameters of a method become fields of the request message, and as what."""

# ruff: noqa: UP006, UP007, UP035, UP045 - how a type is spelled is part of what is tested
import datetime
import enum
import uuid
from collections.abc import Iterable
from typing import Any, Dict, List, Literal, Optional, Set, Tuple, Union

import numpy as np
import pytest

from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task
from caikit.core.data_model import DataStream
from caikit.core.data_model.json_dict import JsonDict
from caikit.interfaces.runtime.data_model import RuntimeServerContextType

PACKAGE = "tests.service_parameters"
MISSING = object()


@dataobject(PACKAGE)
class Thing(DataObjectBase):
    x: int


@dataobject(PACKAGE)
class Other(DataObjectBase):
    y: str


@dataobject(PACKAGE)
class Level(enum.Enum):
    LOW = 0
    HIGH = 1


class Plain:
    pass


@task(unary_parameters={"text": str}, unary_output_type=Thing)
class ParameterTask(TaskBase):
    pass


def module_with(annotation, default=None):
    """A module whose run takes a text and one more parameter."""

    def run(self, text: str, p: Any = default) -> Thing:
        return Thing(1)

    if annotation is MISSING:
        del run.__annotations__["p"]
    else:
        run.__annotations__["p"] = annotation
    if default is MISSING:
        run.__defaults__ = None
    cls = type("ParameterModule", (ModuleBase,), {"run": run, "__module__": __name__})
    return module(id=str(uuid.uuid4()), name="Parameter", version="0.0.1", task=ParameterTask)(cls)


def described(message):
    """The fields of a message as they stand in a .proto file."""
    lines = []
    for field in message.DESCRIPTOR.fields:
        text = f"{type_of(field)} {field.name} = {field.number}"
        oneof = field.containing_oneof
        if oneof is not None and oneof.name.startswith("_"):
            text = f"optional {text}"
        elif oneof is not None:
            text = f"{oneof.name}: {text}"
        lines.append(text)
    return lines


def type_of(field):
    names = {
        1: "double",
        2: "float",
        3: "int64",
        4: "uint64",
        5: "int32",
        8: "bool",
        9: "string",
        12: "bytes",
        13: "uint32",
    }
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = field.message_type.fields
        return f"map<{type_of(key)}, {type_of(value)}>"
    name = names.get(field.type) or field.message_type.full_name
    return f"repeated {name}" if field.is_repeated else name


@pytest.fixture
def fields(serve):
    def build(*modules):
        package = serve(*modules)
        return described(package.messages.ParameterTaskRequest)

    return build


@pytest.mark.parametrize(
    ("annotation", "field"),
    [
        (int, "int64"),
        (float, "double"),
        (str, "string"),
        (bool, "bool"),
        (bytes, "bytes"),
        (np.int32, "int32"),
        (np.int64, "int64"),
        (np.uint32, "uint32"),
        (np.uint64, "uint64"),
        (np.float32, "float"),
        (np.float64, "double"),
        (type("uint64", (int,), {"__module__": "numpy"}), "uint64"),
        (datetime.datetime, "google.protobuf.Timestamp"),
        (JsonDict, "google.protobuf.Struct"),
        (Any, "google.protobuf.Any"),
        (Thing, f"{PACKAGE}.Thing"),
        (Optional[str], "string"),
        (Optional[Thing], f"{PACKAGE}.Thing"),
        (Optional[JsonDict], "google.protobuf.Struct"),
        (str | None, "string"),
        ("int", "int64"),
        ("Optional[Thing]", f"{PACKAGE}.Thing"),
    ],
)
def test_single_values(fields, annotation, field):
    assert fields(module_with(annotation)) == ["string text = 1", f"optional {field} p = 2"]


@pytest.mark.parametrize(
    ("annotation", "field"),
    [
        (List[str], "repeated string"),
        (list[int], "repeated int64"),
        (List[Thing], f"repeated {PACKAGE}.Thing"),
        (List[datetime.datetime], "repeated google.protobuf.Timestamp"),
        (Optional[List[JsonDict]], "repeated google.protobuf.Struct"),
        (Dict[str, int], "map<string, int64>"),
        (dict[int, float], "map<int64, double>"),
        (Optional[Dict[str, bytes]], "map<string, bytes>"),
    ],
)
def test_lists_and_maps_have_no_presence(fields, annotation, field):
    assert fields(module_with(annotation)) == ["string text = 1", f"{field} p = 2"]


@pytest.mark.parametrize(
    "annotation",
    [
        Level,
        Optional[Level],
        list,
        List,
        dict,
        List[List[str]],
        List[Level],
        Dict[str, Thing],
        Dict[float, int],
        Tuple[int, str],
        Set[int],
        Literal["a"],
        object,
        Plain,
        Optional[Plain],
        DataObjectBase,
        Iterable[str],
        DataStream[str],
        RuntimeServerContextType,
        Optional[RuntimeServerContextType],
        "NobodyKnowsThis",
    ],
)
def test_other_types_are_left_out(fields, annotation):
    assert fields(module_with(annotation)) == ["string text = 1"]


@pytest.mark.parametrize(
    ("default", "field"),
    [
        (12, "optional int64"),
        (b"x", "optional bytes"),
        (1.5, "optional double"),
        (True, "optional bool"),
        ((1, 2), "repeated int64"),
        (["a"], "repeated string"),
    ],
)
def test_a_default_tells_the_type(fields, default, field):
    assert fields(module_with(MISSING, default)) == ["string text = 1", f"{field} p = 2"]


@pytest.mark.parametrize("written", ["", ": str", ": int"])
def test_a_producer_id_is_one_whatever_its_annotation(fields, written):
    names: dict[str, Any] = {"Thing": Thing}
    exec(f"def run(self, text: str, producer_id{written} = None) -> Thing: return Thing(1)", names)
    cls = type("ProducerModule", (ModuleBase,), {"run": names["run"], "__module__": __name__})
    cls = module(id=str(uuid.uuid4()), name="Producer", version="0.0.1", task=ParameterTask)(cls)
    assert fields(cls) == [
        "string text = 1",
        "optional caikit_data_model.common.ProducerId producer_id = 2",
    ]


def test_nothing_tells_the_type(fields):
    assert fields(module_with(MISSING, None)) == ["string text = 1"]


def test_without_default_there_is_no_presence(fields):
    assert fields(module_with(Optional[int], MISSING)) == ["string text = 1", "int64 p = 2"]


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        # every alternative fits: a oneof
        (Union[int, str], ["p: int64 p_int = 2", "p: string p_str = 3"]),
        (Union[str, int], ["p: string p_str = 2", "p: int64 p_int = 3"]),
        (Union[bytes, str], ["p: bytes p_bytes = 2", "p: string p_str = 3"]),
        (int | str, ["p: int64 p_int = 2", "p: string p_str = 3"]),
        (Union[Thing, Other], [f"p: {PACKAGE}.Thing p_thing = 2", f"p: {PACKAGE}.Other p_other = 3"]),
        # at least one list: a oneof, whatever else there is
        (
            Optional[Union[List[str], List[int]]],
            [
                "p: caikit_data_model.common.StrSequence p_str_sequence = 2",
                "p: caikit_data_model.common.IntSequence p_int_sequence = 3",
            ],
        ),
        (
            Union[str, List[float], Plain, List[bool]],
            [
                "p: string p_str = 2",
                "p: caikit_data_model.common.FloatSequence p_float_sequence = 3",
                "p: caikit_data_model.common.BoolSequence p_bool_sequence = 4",
            ],
        ),
        # one alternative fits
        (Union[str, Plain], ["optional string p = 2"]),
        (Optional[Union[Level, int]], ["optional int64 p = 2"]),
        (Optional[List[str]], ["repeated string p = 2"]),
        # several fit, and something does not: a data object, else the first
        (Optional[Union[str, Thing]], [f"optional {PACKAGE}.Thing p = 2"]),
        (Optional[Union[bool, bytes]], ["optional bool p = 2"]),
        # none fits
        (Union[Plain, Level], []),
    ],
)
def test_unions(fields, annotation, expected):
    assert fields(module_with(annotation)) == ["string text = 1", *expected]


def test_a_union_with_a_list_of_data_objects_is_a_oneof(fields):
    _, text, things = fields(module_with(Union[str, List[Thing]]))
    assert text == "p: string p_str = 2"
    assert things.endswith("Sequence p_thing_sequence = 3")


def test_the_order_of_a_union_is_that_of_the_source(fields):
    Optional[Union[datetime.datetime, int]]

    @module(id=str(uuid.uuid4()), name="Written", version="0.0.1", task=ParameterTask)
    class Written(ModuleBase):
        def run(self, text: str, p: int | datetime.datetime | None = None) -> Thing:
            return Thing(1)

    assert fields(Written) == ["string text = 1", "optional int64 p = 2"]


@pytest.mark.parametrize("annotation", [Level, Optional[Level], List[Level], Dict[str, Level]])
def test_an_enum_is_left_out_with_a_warning(serve, caplog, annotation):
    cls = module_with(annotation, Level.HIGH)
    # A warning is told once in a process.
    cls.__qualname__ = f"Enum{uuid.uuid4().hex}"
    assert described(serve(cls).messages.ParameterTaskRequest) == ["string text = 1"]
    (line,) = [record for record in caplog.records if cls.__qualname__ in record.getMessage()]
    assert line.levelname == "WARNING"
    assert "parameter 'p'" in line.getMessage()
    assert "all calls use its default: an enum travels in a field of a data object" in line.getMessage()


def test_a_parameter_that_cannot_travel_and_has_no_default_is_reported(serve, caplog):
    serve(module_with(List[List[str]], MISSING))
    (line,) = [record.getMessage() for record in caplog.records if "parameter 'p'" in record.getMessage()]
    assert "ParameterModule.run" in line
    assert "List[str]" in line
