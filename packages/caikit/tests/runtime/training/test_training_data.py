"""What is told about training data that is empty, missing, or has other columns."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]

CSV = "numbr,number,colour\n9,1,red\n9,2,blue\n"
JSONL = '{"number": 1, "Number": 7}\n{"number": 2, "Number": 8, "far away": 0}\n'


def finished(server: Any, answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    training_id = answer.json()["training_id"]
    end = time.monotonic() + 30
    while True:
        status: dict[str, Any] = server.training(training_id)
        if status["state"] not in ("QUEUED", "RUNNING"):
            return status
        assert time.monotonic() < end
        time.sleep(0.01)


def log_of(server: Any, status: dict[str, Any]) -> str:
    query = {"training_id": status["training_id"]}
    return str(server.call("GET", "/management/trainings/log", params=query).json()["text"])


def train(server: Any, source: Any, **parameters: Any) -> dict[str, Any]:
    body = {"model_name": "m", "parameters": {"training_data": source, **parameters}}
    return finished(server, server.call("POST", "/api/v1/CommandTaskAdderTrain", json=body))


@pytest.mark.parametrize("use_subprocess", [False, True])
def test_a_failure_without_data_says_so(start_server: Start, tmp_path: Path, use_subprocess: bool) -> None:
    server = start_server(use_subprocess=use_subprocess)
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    header = tmp_path / "header.csv"
    header.write_text("number\n")
    for source in (
        {},
        {"data_stream": {"data": []}},
        {"data_stream": {"filename": str(empty)}},
        {"data_stream": {"filename": str(header)}},
    ):
        status = train(server, source, empty_fails=True)
        assert status["state"] == "ERRORED", source
        assert status["reasons"][1:] == ["There was nothing in training_data"], status
    status = train(server, {"data_stream": {"data": [{"number": 1}]}}, fail="other")
    assert status["reasons"] == ["other"]
    status = train(server, {"data_stream": {"data": [{"number": 1}]}}, fail="memory")
    assert status["reasons"] == ["MemoryError was raised"]
    # A module may do without.
    assert train(server, {})["state"] == "COMPLETED"


def test_missing_data(start_server: Start) -> None:
    server = start_server()
    body = {"model_name": "m", "parameters": {}}
    status = finished(server, server.call("POST", "/api/v1/CommandTaskAdderTrain", json=body))
    assert status["state"] == "ERRORED"
    assert "missing 1 required positional argument: 'training_data'" in status["reasons"][0]
    status = train(server, {"data_stream": {"filename": "nowhere.csv"}})
    assert status["state"] == "ERRORED"
    assert status["reasons"][0].startswith("Invalid .csv data source file: nowhere.csv")
    assert len(status["reasons"]) == 1
    expected = "There is no file `nowhere.csv`: names are relative to the working directory of the server"
    assert expected in log_of(server, status)


@pytest.mark.parametrize("use_subprocess", [False, True])
@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "mails.csv",
            CSV,
            [
                "'numbr' is ignored, CommandItem has no such field: did you mean 'number'?",
                "'colour' is ignored, CommandItem has no such field: it has number",
            ],
        ),
        (
            "mails.jsonl",
            JSONL,
            [
                "'Number' is ignored, CommandItem has no such field: did you mean 'number'?",
                "'far away' is ignored, CommandItem has no such field: it has number",
            ],
        ),
        ("mails.csv", "number\n1\n2\n", []),
    ],
)
def test_unknown_columns_are_told_once(
    start_server: Start, tmp_path: Path, use_subprocess: bool, name: str, content: str, expected: list[str]
) -> None:
    server = start_server(use_subprocess=use_subprocess)
    (tmp_path / name).write_text(content)
    source = {"data_stream": {"filename": name}}
    status = train(server, source, passes=3)
    assert status["state"] == "COMPLETED", status
    log = log_of(server, status)
    assert log.count("is ignored") == len(expected)
    for sentence in expected:
        assert log.count(f"`{name}`: {sentence}") == 1, log


def test_many_unknown_columns(start_server: Start, tmp_path: Path) -> None:
    server = start_server()
    row = {"number": 1, **{f"field {number}": number for number in range(5000)}}
    (tmp_path / "wide.jsonl").write_text(f"{json.dumps(row)}\n" * 2)
    status = train(server, {"data_stream": {"filename": "wide.jsonl"}})
    assert status["state"] == "COMPLETED"
    assert log_of(server, status).count("is ignored") == 10
