"""The list of trainings with their progress, and their logs, over both protocols."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import requests

from caikit.interfaces.runtime.data_model import training_jobs as messages

SERVICE = "/caikit.runtime.training.TrainingJobs/"


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


class RefusedError(Exception):
    """What a server answered instead."""


class HttpCalls:
    def __init__(self, server: Any) -> None:
        self._server = server

    def trainings(self, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._get("list", query)["trainings"]
        return found

    def log(self, **query: Any) -> dict[str, Any]:
        return self._get("log", query)

    def _get(self, name: str, query: dict[str, Any]) -> dict[str, Any]:
        answer: requests.Response = self._server.call("GET", f"/management/trainings/{name}", params=query)
        if answer.status_code != 200:
            raise RefusedError(answer.json()["details"])
        content: dict[str, Any] = answer.json()
        return content


class GrpcCalls:
    def __init__(self, server: Any) -> None:
        self._channel = grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}")

    def trainings(self, **fields: Any) -> list[dict[str, Any]]:
        answer = self._call("ListTrainings", messages.TrainingListRequest(**fields), messages.TrainingList)
        found: list[dict[str, Any]] = answer["trainings"]
        return found

    def log(self, **fields: Any) -> dict[str, Any]:
        return self._call("GetTrainingLog", messages.TrainingLogRequest(**fields), messages.TrainingLog)

    def close(self) -> None:
        self._channel.close()

    def _call(self, name: str, request: Any, response: Any) -> dict[str, Any]:
        call = self._channel.unary_unary(
            SERVICE + name,
            request_serializer=lambda message: message.to_binary_buffer(),
            response_deserializer=response.from_binary_buffer,
        )
        try:
            content: dict[str, Any] = json.loads(call(request, timeout=20).to_json())
        except grpc.RpcError as problem:
            raise RefusedError(problem.details()) from problem  # type: ignore[attr-defined] # errors of calls have it
        return content


@pytest.fixture(params=["grpc", "http"])
def open_calls(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Makes the calls to a server over one of the protocols."""
    opened: list[GrpcCalls] = []

    def open_one(server: Any) -> HttpCalls | GrpcCalls:
        if request.param == "http":
            return HttpCalls(server)
        opened.append(GrpcCalls(server))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


Start = Callable[..., Any]
Open = Callable[..., Any]


@pytest.mark.parametrize("use_subprocess", [False, True])
def test_list_progress_and_log(
    start_server: Start, open_calls: Open, tmp_path: Path, use_subprocess: bool
) -> None:
    server = start_server(grpc=True, use_subprocess=use_subprocess)
    calls = open_calls(server)
    assert calls.trainings() == []
    first = server.train("first", fail="bad data").json()["training_id"]
    until(lambda: calls.trainings(training_id=first)[0]["state"] == "ERRORED")
    files = {"started": str(tmp_path / "started"), "go_on": str(tmp_path / "go on")}
    second = server.train("second", tell=True, **files).json()["training_id"]
    until(lambda: calls.trainings()[0].get("progress"))

    newest, oldest = calls.trainings()
    assert (newest["training_id"], oldest["training_id"]) == (second, first)
    assert (newest["model_name"], newest["state"]) == ("second", "RUNNING")
    assert newest["module"] == "command_lib.Adder"
    assert (newest["progress"], newest["progress_text"]) == (0.5, "half of it")
    assert newest["metrics"] == {"loss": 0.25, "speed": 3.0}
    assert newest["submission_timestamp"] > oldest["completion_timestamp"]
    assert oldest["reasons"] == ["bad data"]
    assert [each["training_id"] for each in calls.trainings(limit=1)] == [second]
    assert [each["training_id"] for each in calls.trainings(model_name="first")] == [first]
    assert calls.trainings(model_name="nobody") == []

    log = calls.log(training_id=second)
    assert "logged in the training" in log["text"]
    assert ("printed in the training" in log["text"]) is use_subprocess
    assert log["state"] == "RUNNING"
    (tmp_path / "go on").touch()
    until(lambda: calls.trainings(training_id=second)[0]["state"] == "COMPLETED")
    rest = calls.log(training_id=second, offset=log["next_offset"])
    assert rest["text"].endswith("COMPLETED\n")
    assert "logged in the training" not in rest["text"]
    assert rest["state"] == "COMPLETED"
    assert calls.log(training_id=second, offset=rest["next_offset"])["text"] == ""
    assert calls.log(training_id=second, last_lines=1)["text"].count("\n") == 1
    failure = calls.log(training_id=first)["text"]
    assert "ValueError: bad data" in failure
    assert str(Path(__file__).parent) not in failure

    server.process.kill()
    server.process.wait(20)
    calls = open_calls(start_server(grpc=True))
    assert [each["training_id"] for each in calls.trainings()] == [second, first]
    assert calls.trainings()[0]["metrics"] == {"loss": 0.25, "speed": 3.0}
    assert "ValueError: bad data" in calls.log(training_id=first)["text"]


def test_what_is_refused(start_server: Start, open_calls: Open, tmp_path: Path) -> None:
    server = start_server(grpc=True)
    calls = open_calls(server)
    for ask in (calls.trainings, calls.log):
        with pytest.raises(RefusedError, match=r"^Unknown training_id: nope$"):
            ask(training_id="nope")
    with pytest.raises(RefusedError, match="expected limit from 0 on, got -1"):
        calls.trainings(limit=-1)
    training_id = server.train("one").json()["training_id"]
    with pytest.raises(RefusedError, match="expected offset from 0 on, got -1"):
        calls.log(training_id=training_id, offset=-1)
    past = calls.log(training_id=training_id, offset=2**63 - 1)
    assert (past["text"], int(past["next_offset"])) == ("", 2**63 - 1)
    until(lambda: server.training(training_id)["state"] == "COMPLETED")
    for log in (tmp_path / "work" / "logs").iterdir():
        log.unlink()
    with pytest.raises(RefusedError, match="is not there any more"):
        calls.log(training_id=training_id)


def test_without_a_work_dir(start_server: Start, open_calls: Open, tmp_path: Path) -> None:
    server = start_server(grpc=True, work_dir=None)
    calls = open_calls(server)
    training_id = server.train("one", tell=True).json()["training_id"]
    until(lambda: calls.trainings()[0]["state"] == "COMPLETED")
    assert calls.trainings()[0]["metrics"] == {"loss": 0.25, "speed": 3.0}
    with pytest.raises(RefusedError, match=r"has no log: its trainer needs a work_dir"):
        calls.log(training_id=training_id)


def test_long_logs_come_in_parts(start_server: Start, open_calls: Open, tmp_path: Path) -> None:
    server = start_server(grpc=True)
    calls = open_calls(server)
    training_id = server.train("one").json()["training_id"]
    until(lambda: server.training(training_id)["state"] == "COMPLETED")
    (path,) = (tmp_path / "work" / "logs").iterdir()
    lines = "".join(f"line {number} é\n" for number in range(60000))
    path.write_text(lines + "no end", encoding="utf-8")
    found, offset = [], 0
    while part := calls.log(training_id=training_id, offset=offset):
        if not part["text"]:
            break
        found.append(part["text"])
        offset = int(part["next_offset"])
    assert "".join(found) == lines + "no end"
    assert len(found) > 2
    assert all(part.endswith("\n") for part in found[:-1])
    assert calls.log(training_id=training_id, last_lines=2)["text"] == "line 59999 é\nno end"
    path.write_bytes(b"x" * 600_000)
    assert len(calls.log(training_id=training_id)["text"]) > 1000
    assert calls.log(training_id=training_id, last_lines=5)["text"]


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_the_command_follows_a_training(
    start_server: Start, capsys: pytest.CaptureFixture[str], tmp_path: Path, protocol: str
) -> None:
    from caikit.command import main

    server = start_server(grpc=True, use_subprocess=True)
    port = server.port if protocol == "http" else server.grpc_port
    address = ["-s", f"{protocol}://127.0.0.1:{port}"]
    go_on, started = tmp_path / "go on", tmp_path / "started"
    training_id = server.train("m", tell=True, started=str(started), go_on=str(go_on)).json()["training_id"]

    def release() -> None:
        until(
            lambda: json.loads(server.call("GET", "/management/trainings/list").text)["trainings"][0][
                "progress"
            ]
        )
        time.sleep(1.5)  # for the command to see it
        go_on.touch()

    releasing = threading.Thread(target=release)
    releasing.start()
    assert main(["jobs", "wait", training_id, "--progress", *address]) == 0
    releasing.join()
    *told, end = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert told[-1] == {
        "state": "RUNNING",
        "progress": 0.5,
        "progress_text": "half of it",
        "metrics": {"loss": 0.25, "speed": 3.0},
    }
    assert end["state"] == "COMPLETED"
    assert main(["jobs", "log", training_id, "--follow", *address]) == 0
    log = capsys.readouterr().out
    assert "printed in the training" in log
    assert log.endswith("COMPLETED\n")
    assert main(["jobs", "log", training_id, "--lines", "1", *address]) == 0
    assert log.endswith(capsys.readouterr().out)
