"""`caikit tasks`: what a server, or a library, offers."""

from __future__ import annotations

import json

import pytest
from command_places import LIBRARY, SHIM


def by_name(rpcs):
    return {rpc["name"]: rpc for rpc in rpcs}


def test_tasks_and_trainings(quick, address):
    done = quick("tasks", "-s", address)
    assert (done.code, done.err) == (0, "")
    rpcs = by_name(done.json)
    assert {rpc["kind"] for rpc in rpcs.values()} == {"task", "training"}
    assert rpcs["GreetTaskPredict"]["task"] == "GreetTask"
    assert rpcs["GreetTaskPredict"]["output"] == "Greeting"
    assert rpcs["ServerStreamingGreetTaskPredict"]["output_streaming"] is True
    (data, *others) = rpcs["GreetTaskGreeterTrain"]["inputs"]
    assert (data["name"], data["type"]) == ("training_data", "stream[TrainRecord]")
    assert [each["name"] for each in others] == ["greeting", "union_list", "sleep", "fail", "die"]
    assert others[1]["type"] == "list[str] | list[int]"


def test_names_of_inputs_are_those_that_calls_take(quick, golden):
    over_grpc = by_name(quick("tasks", "-s", golden.address("grpc")).json)
    inputs = {each["name"]: each for each in over_grpc["CompareTaskPredict"]["inputs"]}
    assert inputs["left"] == {"name": "left", "type": "str", "required": True}
    assert inputs["rights"] == {"name": "rights", "type": "list[str]", "required": False}
    over_http = by_name(quick("tasks", "-s", golden.address("http")).json)
    inputs = {each["name"]: each for each in over_http["CompareTaskPredict"]["inputs"]}
    assert inputs["rights"] == {"name": "rights", "type": "list[str]", "required": True}
    assert over_http["EchoTaskPredict"]["inputs"][0] == {"name": "inputs", "type": "str", "required": True}


def test_everything(quick, golden):
    rpcs = by_name(quick("tasks", "--all", "-s", golden.address("grpc")).json)
    assert {"GreetTaskStartPredictionJob", "GetModelsInfo", "CancelTraining", "loadModel"} <= set(rpcs)
    rpcs = by_name(quick("tasks", "--all", "-s", golden.address("http")).json)
    assert {"GreetTaskStartPredictionJob", "GreetTaskGetPredictionJobResult", "GetModelsInfo"} <= set(rpcs)


def test_one_task(quick, address):
    assert quick("tasks", "greet", "-s", address).json["name"] == "GreetTaskPredict"
    assert quick("tasks", "Greeter", "-s", address).json["name"] == "GreetTaskGreeterTrain"
    assert quick("tasks", "GetModelsInfo", "-s", address).json["inputs"][0]["name"] == "model_ids"
    done = quick("tasks", "nothing", "-s", address)
    assert (done.code, done.out) == (1, "")
    assert "has no task or RPC called 'nothing'; its tasks are " in done.err


def test_tables(terminal, address):
    out = terminal("tasks", "-s", address, columns=120, NO_COLOR="1").out
    rows = [line.split()[:2] for line in out.splitlines()]
    assert rows[0] == ["KIND", "NAME"]
    assert ["task", "CompareTask"] in rows
    assert ["training", "GreetTaskGreeter"] in rows
    assert "left: str" in out
    assert "fold_case: bool]" in out
    assert max(map(len, out.splitlines())) <= 120
    out = terminal("tasks", "echo", "-s", address, columns=120, NO_COLOR="1").out
    assert "\nOutput  EchoResult\n" in out
    assert "l_str    list[str]\n" in out
    assert "u_mixed  str | list[str]\n" in out
    assert "obj      Person\n" in out
    rows = [line.split(maxsplit=2) for line in out.splitlines()]
    assert rows.index(["DATA", "OBJECT", "FIELD  TYPE"]) < rows.index(["Person", "name", "str"])
    assert any(row[0] == "mood" and row[1].startswith("Mood:") for row in rows if len(row) > 1)


def test_streamed_input_is_called_that(terminal, address):
    out = terminal("tasks", "-s", address, columns=300, NO_COLOR="1").out
    (row,) = (line for line in out.splitlines() if "ClientStreamingGreetTaskPredict" in line)
    assert "  stream of (" in row


def test_fields_of_data_objects(quick, address):
    objects = quick("tasks", "echo", "-s", address).json["data_objects"]
    assert objects["Person"] == {"name": "str", "age": "int", "mood": "Mood", "tags": "list[str]"}
    assert "EchoResult" in objects
    objects = quick("tasks", "Greeter", "-s", address).json["data_objects"]
    assert "TrainRecord" in objects


@pytest.mark.parametrize(
    "arguments", [["--library", "golden_lib"], ["--library", str(LIBRARY / "golden_lib")]]
)
def test_a_library(caikit, golden, quick, arguments):
    done = caikit("tasks", "--local", *arguments, cwd=LIBRARY, PYTHONPATH=str(SHIM))
    assert done.code == 0, done.err
    served = quick("tasks", "-s", golden.address("grpc")).json
    assert by_name(done.json) == by_name(served)


def test_no_library(caikit):
    done = caikit("tasks", "--local")
    assert (done.code, done.out) == (2, "")
    assert json.dumps(done.err).count("\\n") == 1
