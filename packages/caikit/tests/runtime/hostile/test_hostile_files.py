from __future__ import annotations

import base64
import json
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import wire

CONFIG = b"module_id: 10000000-0000-0000-0000-000000000001\n"
DEPLOY = "/management/models"
TRAIN = "/api/v1/GreetTaskGreeterTrain"


def entries(folder: Path) -> set[str]:
    """What lies around the folder that the server works in, and directly in it."""
    return {
        path.name for path in [*folder.iterdir(), *folder.parent.iterdir(), *folder.parent.parent.iterdir()]
    }


def deploy(server, model_id, *names):
    files = [{"filename": name, "data": base64.b64encode(CONFIG).decode()} for name in names]
    return server.post(DEPLOY, {"model_id": model_id, "model_files": files})


def deploy_by_grpc(server, model_id, *names):
    files = b"".join(wire.block(2, wire.block(1, name.encode()) + wire.block(2, CONFIG)) for name in names)
    body = wire.block(1, model_id.encode()) + files
    return server.call("/caikit.runtime.models.ModelManagement/DeployModel", body)


@pytest.mark.parametrize(
    "model_id", ["..", ".", "../escaped", "/tmp/escaped", "a/b", "a\\b", ".hidden", " ", "a\0", "x" * 300]
)
def test_models_are_deployed_under_names_only(server, model_id):
    before = entries(server.root)

    status, answer = deploy(server, model_id, "config.yml")
    code, _ = deploy_by_grpc(server, model_id, "config.yml")

    assert (status, code) == (400, "INVALID_ARGUMENT"), answer
    assert entries(server.root) == before


@pytest.mark.parametrize(
    "names",
    [
        ["../escaped"],
        ["a/../../escaped"],
        ["/tmp/escaped"],
        ["..\\escaped"],
        ["C:\\escaped"],
        ["."],
        [""],
        ["a", "a"],
        ["a", "a/b"],
        ["a/b", "a"],
        ["x" * 300],
        ["a/" * 2000 + "x"],
    ],
    ids=range(12),
)
def test_files_of_a_model_stay_inside_of_it(server, names):
    before = entries(server.root)
    models = {path.name for path in (server.root / "models").iterdir()}

    status, answer = deploy(server, "new-model", *names)
    code, _ = deploy_by_grpc(server, "new-model", *names)

    assert (status, code) == (400, "INVALID_ARGUMENT"), answer
    assert entries(server.root) == before
    assert {path.name for path in (server.root / "models").iterdir()} == models


@pytest.mark.parametrize("model_id", ["..", "../data", "/tmp", ".", "a/.."])
def test_only_models_are_undeployed(server, model_id):
    status, _ = server.request("DELETE", f"{DEPLOY}?model_id={model_id}")

    assert status == 400
    assert (server.root / "data" / "a.json").exists()


@pytest.mark.parametrize(
    "name", ["..", "../escaped", "/tmp/escaped", "a/b", "a\\b", "a\0b", ".hidden", "x" * 300]
)
def test_trained_models_get_names_only(server, name):
    before = entries(server.root)

    status, _ = server.post(TRAIN, {"model_name": name, "parameters": {"training_data": inline()}})

    assert status == 400
    assert entries(server.root) == before


@pytest.mark.parametrize(
    "name", ["../../config.yml", "/etc/passwd", "..", "a\0", "d/../../../config.yml", "..\\x", "link.json"]
)
def test_training_reads_no_files_from_elsewhere(server, name):
    link = server.root / "data" / "link.json"
    if not link.is_symlink():
        link.symlink_to("/etc/passwd")

    status, answer = train(server, {"filename": name})

    assert status == 400
    assert b"root:" not in answer


@pytest.mark.parametrize(
    "content",
    [b"{", b"", b"[" * 100_000, b"\xff\xfe\x00", b'{"number":1}', b'[{"number":"x"}]', b"[null]"],
    ids=range(7),
)
def test_bad_training_data_is_told_without_paths_of_the_server(server, content):
    name = f"bad{abs(hash(content))}.json"
    (server.root / "data" / name).write_bytes(content)

    status, answer = train(server, {"filename": name})
    final = wait_for_training(server, json.loads(answer)["training_id"])

    assert status == 200
    assert final["state"] == "ERRORED"
    assert str(server.root) not in str(final["reasons"])
    server.assert_well()


def test_trainings_of_one_name_do_not_meet(server):
    ids = [json.loads(train(server, inline()["data_stream"], "same")[1])["training_id"] for _ in range(8)]

    states = Counter(wait_for_training(server, id_)["state"] for id_ in ids)

    assert states == {"COMPLETED": 8}
    assert len(set(ids)) == 8
    assert all((server.root / "training_output" / id_ / "same" / "config.yml").exists() for id_ in ids)


def test_deploy_use_and_undeploy_race(server):
    seen: Counter[tuple[str, int]] = Counter()
    end = time.monotonic() + 1

    def repeat(name, action):
        while time.monotonic() < end:
            seen[name, action()[0]] += 1

    greet = {"model_id": "racing", "inputs": {"name": "Ann"}}
    actions = [
        ("deploy", lambda: deploy(server, "racing", "config.yml", "a/b")),
        ("undeploy", lambda: server.request("DELETE", f"{DEPLOY}?model_id=racing")),
        ("use", lambda: server.post("/api/v1/task/greet", greet)),
        ("info", lambda: server.request("GET", "/info/models")),
    ]
    threads = [threading.Thread(target=repeat, args=action) for action in actions * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.request("DELETE", f"{DEPLOY}?model_id=racing")

    assert {status for _, status in seen} <= {200, 404, 409}, seen
    assert not [path for path in (server.root / "models").iterdir() if path.name.startswith(".")]
    server.assert_well()


def inline():
    return {"data_stream": {"data": [{"number": 1, "label": "a"}]}}


def train(server, source, name="m"):
    parameters = {"training_data": {"data_stream": source}}
    return server.post(TRAIN, {"model_name": name, "parameters": parameters})


def wait_for_training(server, training_id):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        _, answer = server.request("GET", f"/management/trainings?training_id={training_id}")
        state = json.loads(answer)
        if state["state"] not in ("QUEUED", "RUNNING"):
            return state
        time.sleep(0.02)
    raise TimeoutError(training_id)
