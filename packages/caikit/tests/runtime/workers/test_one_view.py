"""Whichever worker answers, the answer is the same."""

from __future__ import annotations

import os
import signal
import time

import grpc
import pytest
from team_tools import until

from caikit.runtime.protobufs import model_runtime_pb2 as mesh

CALLS = 16


def kill_one(team):
    victim = min(team.children)
    os.kill(victim, signal.SIGKILL)
    team.wait_for(r"<RUN61240101I>")
    team.wait_for_children(2, without=victim)


def test_models_are_deployed_to_all(serve_team):
    team = serve_team()
    answer = team.deploy("new")
    assert answer.status_code == 200, answer.text
    assert {team.where("new") for _ in range(CALLS)} == team.children
    assert {team.where_grpc(model="new") for _ in range(CALLS)} == team.children
    assert all(team.loaded() == {"place": True, "new": True} for _ in range(CALLS))
    assert {team.deploy("new").status_code for _ in range(CALLS)} == {409}
    kill_one(team)
    assert {team.where("new") for _ in range(2 * CALLS)} == team.children
    answer = team.http("DELETE", "/management/models", params={"model_id": "new"})
    assert answer.status_code == 200, answer.text
    body = {"model_id": "new", "inputs": "x"}
    codes = {team.http("POST", "/api/v1/task/place", json=body).status_code for _ in range(CALLS)}
    assert codes == {404}
    assert all(team.loaded() == {"place": True} for _ in range(CALLS))
    unknown = team.http("GET", "/info/models", params={"model_ids": "new"})
    assert (unknown.status_code, unknown.json()["details"]) == (404, "Model new is not loaded")
    assert team.finish() == 0


def test_a_worker_that_comes_later_has_what_was_deployed(serve_team):
    team = serve_team(load_new_local_models=False, models=())
    assert team.deploy("new").status_code == 200
    kill_one(team)
    assert {team.where("new") for _ in range(2 * CALLS)} == team.children
    assert team.finish() == 0


def test_loaded_means_nowhere_still_loading(serve_team):
    team = serve_team(models=("place",))
    started = time.monotonic()
    assert team.deploy("slow").status_code == 200
    assert team.loaded()["slow"] is False
    until(lambda: team.loaded()["slow"])
    assert time.monotonic() - started > 1.5
    assert team.finish() == 0


def test_ready_when_all_are_ready(serve_team):
    team = serve_team(models=("slow",), wait_for_initial_model_loads=False)
    first = {(answer.status_code, answer.text) for answer in (team.http("GET", "/readyz") for _ in range(10))}
    assert first == {(503, "Loading 1 models")}
    until(lambda: team.http("GET", "/readyz").status_code == 200)
    time.sleep(0.05)
    assert {team.http("GET", "/readyz").status_code for _ in range(10)} == {200}
    assert team.finish() == 0


def test_a_model_that_one_cannot_load(serve_team, tmp_path):
    team = serve_team(models=("place", "picky"))
    assert team.loaded() == {"place": True, "picky": True}
    (tmp_path / "refuse").touch()
    kill_one(team)
    assert team.loaded()["place"] is True
    assert team.finish() == 0


class Mesh:
    def __init__(self, team):
        self._team = team

    def call(self, method, request, answer, timeout=15):
        with grpc.insecure_channel(
            f"127.0.0.1:{self._team.ports['grpc']}", options=[("grpc.use_local_subchannel_pool", 1)]
        ) as channel:
            call = channel.unary_unary(f"/mmesh.ModelRuntime/{method}")
            return answer.FromString(call(request.SerializeToString(), timeout=timeout))

    def load(self, model, path, **options):
        request = mesh.LoadModelRequest(modelId=model, modelType="any", modelPath=str(path))
        return self.call("loadModel", request, mesh.LoadModelResponse, **options)

    def unload(self, model):
        self.call("unloadModel", mesh.UnloadModelRequest(modelId=model), mesh.UnloadModelResponse)

    def size(self, model):
        return self.call("modelSize", mesh.ModelSizeRequest(modelId=model), mesh.ModelSizeResponse)

    def status(self):
        return self.call("runtimeStatus", mesh.RuntimeStatusRequest(), mesh.RuntimeStatusResponse).status


def test_what_the_mesh_loads_is_loaded_in_all(serve_team, tmp_path):
    team = serve_team(models=())
    calls = Mesh(team)
    model = tmp_path / "elsewhere" / "meshed"
    model.mkdir(parents=True)
    (model / "config.yml").write_text("module_id: 51c8a3de-0000-4000-8000-000000000001\n")
    size = calls.load("meshed", model).sizeInBytes
    assert {calls.load("meshed", model).sizeInBytes for _ in range(6)} == {size}
    assert {team.where_grpc(model="meshed") for _ in range(CALLS)} == team.children
    kill_one(team)
    assert {team.where_grpc(model="meshed") for _ in range(2 * CALLS)} == team.children
    assert {calls.size("meshed").sizeInBytes for _ in range(6)} == {size}
    calls.unload("meshed")
    for _ in range(CALLS):
        with pytest.raises(grpc.RpcError) as lost:
            team.where_grpc(model="meshed")
        assert lost.value.code() is grpc.StatusCode.NOT_FOUND
    calls.load("meshed", model)
    assert calls.status() == mesh.RuntimeStatusResponse.READY
    assert team.loaded() == {}
    with pytest.raises(grpc.RpcError) as failed:
        calls.load("missing", tmp_path / "nowhere")
    assert failed.value.code() is grpc.StatusCode.NOT_FOUND
    kill_one_again = min(team.children)
    os.kill(kill_one_again, signal.SIGKILL)
    team.wait_for(r"<RUN61240101I>", count=2)
    assert all(team.loaded() == {} for _ in range(6))
    assert team.finish() == 0


def test_a_load_that_fails_in_one_worker_fails(serve_team, tmp_path):
    team = serve_team(models=())
    calls = Mesh(team)
    model = tmp_path / "elsewhere" / "once"
    model.mkdir(parents=True)
    (model / "config.yml").write_text("module_id: 51c8a3de-0000-4000-8000-000000000001\n")
    with pytest.raises(grpc.RpcError) as failed:
        calls.load("once", model)
    assert "loaded_once" in failed.value.details()
    assert all(team.loaded() == {} for _ in range(6))
    assert team.finish() == 0


def test_a_load_that_nobody_waits_for_is_dropped_by_all(serve_team, tmp_path):
    team = serve_team(models=())
    model = tmp_path / "elsewhere" / "slow"
    model.mkdir(parents=True)
    (model / "config.yml").write_text("module_id: 51c8a3de-0000-4000-8000-000000000001\n")
    with pytest.raises(grpc.RpcError) as failed:
        Mesh(team).load("slow", model, timeout=0.7)
    assert failed.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    until(lambda: all(team.loaded() == {} for _ in range(6)))
    time.sleep(1.5)
    assert all(team.loaded() == {} for _ in range(6))
    kill_one(team)
    assert all(team.loaded() == {} for _ in range(6))
    assert team.finish() == 0


@pytest.mark.parametrize("work_dir", [None, "work"])
def test_jobs_are_known_to_all(serve_team, tmp_path, work_dir):
    components = {"default": {"config": {"work_dir": work_dir}}}
    management = {"trainers": components, "job_predictors": components} if work_dir else None
    team = serve_team(management=management)
    body = {"model_name": "trained", "parameters": {"text": "x", "spin": 60}}
    job = team.http("POST", "/api/v1/PlaceTaskPlaceModuleTrain", json=body)
    assert job.status_code == 200, job.text
    which = {"params": {"training_id": job.json()["training_id"]}}
    until(lambda: team.http("GET", "/management/trainings", **which).json()["state"] == "RUNNING")
    states = {team.http("GET", "/management/trainings", **which).json()["state"] for _ in range(CALLS)}
    assert states == {"RUNNING"}
    # A cancel from any worker, most likely not the one that runs it.
    until(lambda: team.http("DELETE", "/management/trainings", **which).json()["state"] == "CANCELED")
    states = {team.http("GET", "/management/trainings", **which).json()["state"] for _ in range(CALLS)}
    assert states == {"CANCELED"}

    body = {"model_id": "place", "inputs": "x", "parameters": {"sleep": 0.3}}
    job = team.http("POST", "/api/v1/task/place/job", json=body)
    assert job.status_code == 200, job.text
    which = {"params": {"prediction_id": job.json()["prediction_id"]}}
    path = "/api/v1/task/place/job/results"
    until(lambda: team.http("GET", path, **which).status_code == 200)
    results = {team.http("GET", path, **which).json()["pid"] for _ in range(CALLS)}
    assert len(results) == 1
    assert team.finish() == 0


def test_jobs_of_a_worker_that_dies(serve_team):
    team = serve_team()
    body = {"model_name": "trained", "parameters": {"text": "x", "spin": 60}}
    jobs = [
        team.http("POST", "/api/v1/PlaceTaskPlaceModuleTrain", json=body).json()["training_id"]
        for _ in range(6)
    ]
    kill_one(team)

    def states():
        return [
            team.http("GET", "/management/trainings", params={"training_id": job}).json()["state"]
            for job in jobs
        ]

    until(lambda: set(states()) <= {"ERRORED", "RUNNING"})
    found = states()
    assert all(states() == found for _ in range(4))
    assert team.finish() == 0


def test_metrics_add_up(serve_team):
    team = serve_team()
    for _ in range(20):
        team.where()
        team.where_grpc()
    assert {team.calls() for _ in range(8)} == {40}
    figures = team.metrics()
    assert figures["caikit_runtime_workers"] == 2
    assert figures["caikit_runtime_worker_deaths_total"] == 0
    labels = '{model_id="place",model_type="standalone-model"}'
    assert figures[f"total_loaded_models{labels}"] == 2
    born = figures["process_start_time_seconds"]
    assert time.time() - 60 < born <= time.time()
    kill_one(team)
    after = team.metrics()
    assert after["caikit_runtime_worker_deaths_total"] == 1
    assert {team.calls() for _ in range(8)} == {40}
    assert after["process_cpu_seconds_total"] >= figures["process_cpu_seconds_total"]
    for _ in range(10):
        team.where()
    assert {team.calls() for _ in range(8)} == {50}
    # One that leaves in good order takes nothing with it, though nobody has asked for its last figures.
    for _ in range(10):
        team.where()
    before = team.children
    os.kill(min(before), signal.SIGTERM)
    team.wait_for(r"<RUN61240101I>", count=2)
    assert {team.calls() for _ in range(8)} == {60}
    assert team.finish() == 0


def test_metrics_are_off(start_team):
    team = start_team(metrics={"enabled": False})
    team.wait_for("serving http on port")
    assert "prometheus" not in team.output
    assert team.finish() == 0
