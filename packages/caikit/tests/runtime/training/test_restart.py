"""Nothing that a server has acknowledged disappears with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def finished(server: Any, training_id: str) -> dict[str, Any]:
    until(lambda: server.training(training_id)["state"] not in ("QUEUED", "RUNNING"))
    status: dict[str, Any] = server.training(training_id)
    return status


@pytest.mark.parametrize("use_subprocess", [False, True])
def test_jobs_after_the_death_of_their_server(
    start_server: Start, tmp_path: Path, use_subprocess: bool
) -> None:
    entries = {"use_subprocess": use_subprocess, "max_concurrent_jobs": 1, "max_queued_jobs": 1}
    server = start_server(**entries)
    done = server.train("done").json()["training_id"]
    status = finished(server, done)
    assert status["state"] == "COMPLETED", status
    failed = server.train("failed", fail="bad data").json()["training_id"]
    failure = finished(server, failed)
    assert (failure["state"], failure["reasons"]) == ("ERRORED", ["bad data"])
    body = {"model_id": "done", "inputs": "text"}
    job = server.call("POST", "/api/v1/task/command/job", json=body).json()["prediction_id"]
    result = {"params": {"prediction_id": job}}
    until(lambda: server.call("GET", "/api/v1/task/command/job/results", **result).status_code == 200)

    canceled = server.train("canceled", started=str(tmp_path / "starting")).json()["training_id"]
    until((tmp_path / "starting").exists)
    assert server.training(canceled, "DELETE")["state"] == "CANCELED"
    cancellation = server.training(canceled)
    running = server.train("running", started=str(tmp_path / "started")).json()["training_id"]
    until((tmp_path / "started").exists)
    waiting = server.train("waiting").json()["training_id"]
    refused = server.train("refused")
    assert refused.status_code == 429
    assert "No more training jobs are taken: 1 jobs run and 1 wait already" in refused.json()["details"]
    assert (server.training(running)["state"], server.training(waiting)["state"]) == ("RUNNING", "QUEUED")
    server.process.kill()
    server.process.wait(20)

    server = start_server(**entries)
    assert server.training(done) == status
    assert server.training(failed) == failure
    assert server.training(canceled) == cancellation
    assert server.training(done, "DELETE")["state"] == "COMPLETED"
    assert server.call("GET", "/api/v1/task/command/job/results", **result).json() == {"number": 3}
    other = server.call("GET", "/api/v1/task/other/job/results", **result)
    assert (other.status_code, other.json()["details"]) == (404, f"Unknown background_id: {job}")
    lost = [(waiting, "started")]
    if use_subprocess:
        assert server.training(running)["state"] == "RUNNING"
        assert server.training(running, "DELETE")["state"] == "CANCELED"
    else:
        lost.append((running, "finished"))
    for training_id, word in lost:
        status = finished(server, training_id)
        reason = f"The process that ran this training ended before the training had {word}"
        assert (status["state"], status["reasons"]) == ("ERRORED", [reason])
        assert status["completion_timestamp"] is not None
    assert {path.name for path in (tmp_path / "models").iterdir() if path.name[0] != "."} == {"done"}
    again = server.train("running").json()["training_id"]
    assert finished(server, again)["state"] == "COMPLETED"


@pytest.mark.parametrize("outcome", ["COMPLETED", "ERRORED"])
def test_a_training_process_goes_on_without_its_server(
    start_server: Start, tmp_path: Path, outcome: str
) -> None:
    server = start_server(use_subprocess=True)
    fail = {"fail_late": "bad luck"} if outcome == "ERRORED" else {}
    files = {"started": str(tmp_path / "started"), "go_on": str(tmp_path / "go on")}
    training_id = server.train("late", **files, **fail).json()["training_id"]
    until((tmp_path / "started").exists)
    server.process.kill()
    server.process.wait(20)
    server = start_server(use_subprocess=True)
    status = server.training(training_id)
    assert status["state"] == "RUNNING"
    (tmp_path / "go on").touch()
    end = finished(server, training_id)
    assert (end["state"], end["reasons"]) == (outcome, ["bad luck"] if fail else [])
    assert end["submission_timestamp"] == status["submission_timestamp"]
    answer = server.call("POST", "/api/v1/task/command", json={"model_id": "late", "inputs": "text"})
    assert answer.status_code == (404 if fail else 200)


def test_jobs_after_the_stop_of_their_server(start_server: Start, tmp_path: Path) -> None:
    server = start_server()
    running = server.train("running", started=str(tmp_path / "started")).json()["training_id"]
    until((tmp_path / "started").exists)
    server.process.terminate()
    assert server.process.wait(20) == 0
    server = start_server()
    status = server.training(running)
    reason = "Cancelled because the process that ran the job was stopped"
    assert (status["state"], status["reasons"]) == ("CANCELED", [reason])


def test_two_servers_know_the_same_jobs(start_server: Start, tmp_path: Path) -> None:
    one, two = start_server(), start_server()
    training_id = one.train("shared", started=str(tmp_path / "started")).json()["training_id"]
    until((tmp_path / "started").exists)
    assert two.training(training_id)["state"] == "RUNNING"
    assert two.training(training_id, "DELETE")["state"] == "CANCELED"
    assert one.training(training_id)["state"] == "CANCELED"
    assert not (tmp_path / "models" / "shared").exists()


def test_models_without_a_name_have_directories_of_their_own(start_server: Start, tmp_path: Path) -> None:
    server = start_server()
    ids = [server.train("").json()["training_id"] for _ in range(2)]
    for training_id in ids:
        assert finished(server, training_id)["state"] == "COMPLETED"
    assert {path.name for path in (tmp_path / "models").iterdir()} == set(ids)
    body = {"model_id": ids[0], "inputs": "text"}
    assert server.call("POST", "/api/v1/task/command", json=body).json() == {"number": 3}


def test_a_work_directory_that_cannot_be_used(start_server: Start, tmp_path: Path) -> None:
    (tmp_path / "work").write_text("a file")
    with pytest.raises(AssertionError, match=r"work_dir .*work of jobs cannot be used"):
        start_server()


def test_times_are_in_utc_wherever_the_server_is(
    start_server: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    server = start_server()
    training_id = server.train("m").json()["training_id"]
    status = finished(server, training_id)
    listed = server.call("GET", "/management/trainings/list").json()["trainings"][0]
    now = datetime.now(timezone.utc)
    for times in (status, listed):
        for name in ("submission_timestamp", "completion_timestamp"):
            moment = datetime.fromisoformat(times[name].replace("Z", "+00:00"))
            assert moment.utcoffset() == timedelta(0)
            assert now - timedelta(minutes=2) < moment <= now
