"""Trainings that the caller waits for."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import grpc
import mesh_lib
import pytest

from caikit.runtime.protobufs.process_pb2 import ProcessRequest, ProcessResponse
from caikit.runtime.protobufs.process_pb2_grpc import ProcessStub


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    """The working directory of the server, in which nothing is."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(mesh):
    return start(mesh)


def start(mesh):
    """A training with these parameters."""

    def run_training(parameters=None, *, model_name="made", future=False, **fields):
        training = {"model_name": model_name, "parameters": parameters or inline("a", "b")}
        request = ProcessRequest(
            trainingID=fields.pop("trainingID", uuid.uuid4().hex),
            request_dict={"train_module": mesh_lib.MODULE_ID, "training_params": json.dumps(training)},
            **fields,
        )
        call = ProcessStub(mesh.channel).Run
        return (call.future if future else call)(request, timeout=20)

    return run_training


def inline(*words):
    return {"words": {"jsondata": {"data": list(words)}}}


def refused(call, *args, **kwargs):
    with pytest.raises(grpc.RpcError) as caught:
        call(*args, **kwargs)
    return caught.value.code().name, caught.value.details()


def test_the_model_is_there_when_the_call_returns(run, mesh):
    answer = run(inline("x"), trainingID="t-1", customTrainingID="c-1")
    assert answer == ProcessResponse(trainingID="t-1", customTrainingID="c-1")
    assert mesh_lib.seen[-1] == ("x",)
    assert (mesh.folder / "trained" / "c-1" / "made" / "config.yml").exists()


def test_without_an_id(run, mesh):
    assert run(trainingID="") == ProcessResponse()
    assert len(list((mesh.folder / "trained").iterdir())) == 1


def test_files_are_looked_for_in_the_folder_of_the_request(run, mesh):
    data = mesh.folder / "input"
    (data / "all").mkdir(parents=True)
    (data / "one.json").write_text('["1"]')
    (data / "two.json").write_text('["2"]')
    (data / "all" / "three.jsonl").write_text('"3"\n')
    given = {"training_input_dir": str(data)}
    run({"words": {"file": {"filename": "one.json"}}}, **given)
    assert mesh_lib.seen[-1] == ("1",)
    run({"words": {"list_of_files": {"files": ["one.json", "two.json"]}}}, **given)
    assert mesh_lib.seen[-1] == ("1", "2")
    run({"words": {"directory": {"dirname": "all", "extension": "jsonl"}}}, **given)
    assert mesh_lib.seen[-1] == ("3",)
    run({**inline("0"), "more": {"file": {"filename": str(data / "two.json")}}}, **given)
    assert mesh_lib.seen[-1] == ("0", "2")
    assert refused(run, {"words": {"file": {"filename": "none.json"}}}, **given) == (
        "INVALID_ARGUMENT",
        "Invalid .json data source file: none.json",
    )


def test_no_file_outside_of_the_folder_of_the_operator(start_mesh, temp_config, tmp_path):
    base, outside = tmp_path / "data", tmp_path / "secret"
    (base / "inner").mkdir(parents=True)
    outside.mkdir()
    (base / "inner" / "a.json").write_text('["in"]')
    (outside / "a.json").write_text('["out"]')
    (base / "link").symlink_to(outside)
    temp_config({"data_streams": {"file_source_base": str(base)}})
    run = start(start_mesh())
    parameters = {"words": {"file": {"filename": "a.json"}}}
    run(parameters, training_input_dir=str(base / "inner"))
    assert mesh_lib.seen[-1] == ("in",)
    for folder in (outside, base / "link", base / ".." / "secret"):
        code, details = refused(run, parameters, training_input_dir=str(folder))
        assert code == "INVALID_ARGUMENT"
        assert str(tmp_path) not in details


@pytest.mark.parametrize(("output_dir", "wins"), [(None, True), ("training_output", True), ("mine", False)])
def test_the_folder_of_the_request_counts_unless_the_operator_has_one(
    start_mesh, in_folder, output_dir, wins
):
    run = start(start_mesh(training={"output_dir": output_dir}))
    run(training_output_dir=str(in_folder / "asked"), trainingID="t")
    assert (in_folder / "asked" / "t" / "made" / "config.yml").exists() is wins
    assert (in_folder / "mine" / "t" / "made" / "config.yml").exists() is not wins
    run(training_output_dir="", trainingID="u")
    if output_dir is not None:
        assert (in_folder / output_dir / "u" / "made" / "config.yml").exists()


@pytest.mark.parametrize("folder", ["/tmp", "..", "below/../../x", "link"])
def test_nothing_is_written_outside_of_the_working_directory(start_mesh, in_folder, folder):
    (in_folder / "link").symlink_to("/tmp")
    run = start(start_mesh(training={"output_dir": "training_output"}))
    code, details = refused(run, training_output_dir=folder)
    assert code == "INVALID_ARGUMENT"
    assert "runtime.training.output_dir" in details


@pytest.mark.parametrize("model_name", ["../up", "/abs", "a/b", ".."])
def test_names_are_no_paths(run, mesh, model_name):
    assert refused(run, model_name=model_name)[0] == "INVALID_ARGUMENT"
    assert refused(run, trainingID=model_name)[0] == "INVALID_ARGUMENT"
    assert not (mesh.folder / "trained").exists()


@pytest.mark.parametrize(
    ("fields", "code", "details"),
    [
        ({}, "INVALID_ARGUMENT", "Model Train not able to parse module for this Train Request"),
        (
            {"train_module": "zz"},
            "INVALID_ARGUMENT",
            "Model Train not able to parse module for this Train Request",
        ),
        (
            {"train_module": mesh_lib.MODULE_ID},
            "INVALID_ARGUMENT",
            "Exception raised during training. This may",
        ),
        (
            {"train_module": mesh_lib.MODULE_ID, "training_params": "[1]"},
            "INVALID_ARGUMENT",
            "Exception raised",
        ),
        (
            {"train_module": mesh_lib.MODULE_ID, "training_params": "[" * 100_000},
            "INVALID_ARGUMENT",
            "Exception raised",
        ),
        (
            {"train_module": mesh_lib.MODULE_ID, "training_params": '{"parameters": {"fail": 5}}'},
            "INVALID_ARGUMENT",
            "Exception raised during training",
        ),
        (
            {"train_module": mesh_lib.MODULE_ID, "training_params": '{"parameters": {}}'},
            "INVALID_ARGUMENT",
            "Exception raised during training",
        ),
        (
            {
                "train_module": mesh_lib.MODULE_ID,
                "training_params": json.dumps({"parameters": {**inline("a"), "fail": "memory"}}),
            },
            "INTERNAL",
            "OOM error during training",
        ),
    ],
)
def test_requests_that_cannot_be_served(mesh, fields, code, details):
    call = ProcessStub(mesh.channel).Run
    got, text = refused(call, ProcessRequest(trainingID=uuid.uuid4().hex, request_dict=fields), timeout=10)
    assert (got, text[: len(details)]) == (code, details)


def test_a_cancelled_call_cancels_its_training(run, mesh, wait_until):
    from caikit.core import MODEL_MANAGER

    name = uuid.uuid4().hex
    call = run({**inline(name), "seconds": 30}, trainingID=name, future=True)
    wait_until(lambda: (name,) in mesh_lib.seen)
    assert refused(run, trainingID=name)[0] == "INVALID_ARGUMENT"  # one at a time
    call.cancel()
    wait_until(lambda: MODEL_MANAGER.get_model_future(name).get_info().status.name == "CANCELED")
    assert not Path(mesh.folder, "trained", name).exists()


def test_without_training(start_mesh):
    mesh = start_mesh(service_generation={"enable_training": False})
    assert refused(ProcessStub(mesh.channel).Run, ProcessRequest(), timeout=5)[0] == "UNIMPLEMENTED"
