"""Messages, names and tasks of time series and images: `messages_ts_vision.txt` lists the messages."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor

import caikit.interfaces
from caikit.core.data_model import DataBase
from caikit.interfaces.ts import data_model as dm
from caikit.interfaces.ts import tasks
from caikit.runtime.names import get_http_route_name, get_task_predict_rpc_name

KINDS = {
    FieldDescriptor.TYPE_DOUBLE: "double",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes",
}


def expected_messages() -> dict[str, list[str]]:
    text = (Path(__file__).parent / "messages_ts_vision.txt").read_text()
    entries = [entry.splitlines() for entry in text.split("message ")[1:]]
    return {entry[0]: entry[1:] for entry in entries}


def field_line(field: FieldDescriptor) -> str:
    kind = field.message_type.full_name if field.message_type is not None else KINDS[field.type]
    label = "repeated " if field.is_repeated else ""
    member = f" oneof={field.containing_oneof.name}" if field.containing_oneof is not None else ""
    return f"  {field.number} {field.name} {label}{kind}{member}"


@pytest.mark.parametrize(("name", "fields"), expected_messages().items())
def test_descriptors(name: str, fields: list[str]) -> None:
    assert caikit.interfaces.vision.data_model.Image.full_name == "caikit_data_model.vision.Image"
    cls = DataBase.get_class_for_name(name)
    descriptor = cls.get_proto_class().DESCRIPTOR
    assert descriptor.full_name == name
    assert [field_line(descriptor.fields_by_name[field]) for field in cls.fields] == fields
    assert len(descriptor.fields) == len(fields)


def test_the_list_is_complete() -> None:
    exported = [getattr(dm, name) for name in dm.__all__]
    messages = {cls.full_name for cls in exported if isinstance(cls, type) and issubclass(cls, DataBase)}
    assert messages < expected_messages().keys()
    assert len(expected_messages()) == 21


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (
            "ts.data_model",
            """TS_PACKAGE PeriodicTimeSequence PointTimeSequence Seconds TimeDuration TimePoint ValueSequence
            SingleTimeSeries TimeSeries Id EvaluationRecord EvaluationResult""",
        ),
        ("ts.data_model.time_types", "PeriodicTimeSequence PointTimeSequence Seconds TimeDuration TimePoint"),
        ("ts.data_model.time_types", "ValueSequence Vector"),
        ("ts.data_model.timeseries", "HAVE_PYSPARK SingleTimeSeries TimeSeries"),
        ("ts.data_model.timeseries_evaluation", "Id EvaluationRecord EvaluationResult"),
        ("ts.data_model.backends.spark_util", "HAVE_PYSPARK iteritems_workaround"),
        ("ts.data_model.backends.util", "pd_timestamp_to_seconds"),
        ("ts.tasks", "AnomalyDetectionTask EvaluationTask ForecastingTask TransformersTask"),
        ("ts", "data_model tasks"),
        ("vision", "data_model"),
        ("vision.data_model", "Image VISION_PACKAGE"),
    ],
)
def test_names(module: str, names: str) -> None:
    imported = importlib.import_module(f"caikit.interfaces.{module}")
    assert [name for name in names.split() if not hasattr(imported, name)] == []
    assert [name for name in imported.__all__ if not hasattr(imported, name)] == []


def test_nested_names() -> None:
    for owner, names in {
        dm.ValueSequence: "IntValueSequence FloatValueSequence StrValueSequence VectorValueSequence "
        "TimePointSequence AnyValueSequence",
        dm.SingleTimeSeries: "StringIDSequence IntIDSequence",
    }.items():
        for name in names.split():
            assert getattr(owner, name).full_name == f"{dm.TS_PACKAGE}.{name}"


SERIES = {"X": dm.TimeSeries}
PAIR = {"targets": dm.TimeSeries, "predictions": dm.TimeSeries}


@pytest.mark.parametrize(
    ("task", "inputs", "output", "route"),
    [
        ("AnomalyDetectionTask", SERIES, dm.TimeSeries, "anomaly-detection"),
        ("ForecastingTask", SERIES, dm.TimeSeries, "forecasting"),
        ("TransformersTask", SERIES, dm.TimeSeries, "transformers"),
        ("EvaluationTask", PAIR, dm.EvaluationResult, "evaluation"),
    ],
)
def test_tasks(task: str, inputs: dict[str, Any], output: type, route: str) -> None:
    cls = getattr(tasks, task)
    assert list(cls.get_required_parameters(False).items()) == list(inputs.items())
    assert cls.get_output_type(False) is output
    for get in (cls.get_required_parameters, cls.get_output_type):
        with pytest.raises(ValueError, match="No streaming"):
            get(True)
    assert task in tasks.__all__
    name = get_task_predict_rpc_name(cls, False, False)
    assert name == f"{task}Predict"
    assert get_http_route_name(name) == f"/api/v1/task/{route}"


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    return done.stdout.strip()


def test_importing_is_light() -> None:
    program = "import sys, {}; print([n for n in ('pandas', 'numpy', 'pyspark', 'PIL') if n in sys.modules])"
    assert run(program.format("caikit.interfaces")) == "[]"
    assert run(program.format("caikit.interfaces.ts.tasks")) == "[]"


def test_packages_are_found_when_they_are_used() -> None:
    assert run("import caikit.interfaces as i; print('ts' in vars(i), i.ts.tasks.__name__)") == (
        "False caikit.interfaces.ts.tasks"
    )
    assert {"ts", "vision"} <= set(dir(caikit.interfaces))


def test_pandas_is_asked_for_by_the_name_of_the_extra() -> None:
    program = """
import sys
sys.modules["pandas"] = None
import caikit.interfaces
try:
    caikit.interfaces.ts
except ImportError as error:
    print(error)
"""
    assert run(program) == "Time series need pandas: install caikit[interfaces-ts]"
