"""Training with files in which something is wrong: both protocols tell the file, the line and the field."""

from __future__ import annotations

import json
import re
import time
import uuid

import pytest
import wire

FIELDS = b"number,label\n"

BAD_FILES = [
    ("csv", FIELDS + b"1,a\n2\n", "Invalid CSV in `{}`: expected 2 columns as in the header, got 1 (line 3)"),
    ("csv", FIELDS + b"1,a,b\n", "Invalid CSV in `{}`: expected 2 columns as in the header, got 3 (line 2)"),
    ("csv", FIELDS + b'1,"a\n2,b\n', "Invalid CSV in `{}`: unexpected end of data (line 3)"),
    ("csv", FIELDS + b'1,"a"b\n', "Invalid CSV in `{}`: ',' expected after '\"' (line 2)"),
    ("csv", b"label,label\n", "Invalid CSV in `{}`: the column 'label' stands twice in the header (line 1)"),
    ("csv", FIELDS + b'1,"a\nb"\nx,c\n', "Invalid TrainRecord in `{}`: .* at number (line 4)"),
    ("csv", b"1,a\n2,b\n", "Invalid TrainRecord in `{}`: expected some of the fields number, label, got .*"),
    ("csv", FIELDS + b"1,a\n2,\xff\n", ".*can't decode byte 0xff in position 2: .* ({}, line 3)"),
    ("json", b"[\n{},", "Invalid JSON object in `{}`: Expecting value (line 2, column 4)"),
    (
        "json",
        b'[{"number": 1},\n {"number": "x"}]',
        "Invalid TrainRecord in `{}`: .* at number (element 2, line 2, column 2)",
    ),
    (
        "json",
        b"[null]",
        "Invalid TrainRecord in `{}`: expected an object for TrainRecord, got NoneType (element 1, line 1, column 2)",
    ),
    ("jsonl", b'{"number": 1}\n\n{"number"}\n', "Invalid JSON object in .* ({}, line 3, column 10)"),
    ("jsonl", b'{"number": 1}\n{"label": [1]}\n', "Invalid TrainRecord in `{}`: .* at label (line 2)"),
    ("jsonl", b'{"number": 1}\n{"label": "\xe9"}\n', ".*can't decode byte 0xe9 .* ({}, line 2)"),
]


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize(("extension", "content", "reason"), BAD_FILES, ids=range(len(BAD_FILES)))
def test_what_is_wrong_in_a_file(server, protocol, extension, content, reason):
    name = f"{uuid.uuid4().hex}.{extension}"
    (server.root / "data" / name).write_bytes(content)

    training_id = TRAIN[protocol](server, name)
    state = wait_for_training(server, training_id)

    pattern = re.escape(reason).replace(r"\.\*", ".*").replace(r"\{\}", name)
    assert state["state"] == "ERRORED"
    assert re.fullmatch(pattern, state["reasons"][0]), state["reasons"]
    assert str(server.root) not in str(state)


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_good_file(server, protocol):
    name = f"{uuid.uuid4().hex}.csv"
    content = 'label,other,number\r\n"a ""b"", c",,1\r\n\r\né,x,2\r\n'
    (server.root / "data" / name).write_bytes(b"\xef\xbb\xbf" + content.encode())

    state = wait_for_training(server, TRAIN[protocol](server, name))

    assert state["state"] == "COMPLETED", state


def train_over_http(server, filename):
    parameters = {"training_data": {"data_stream": {"filename": filename}}}
    status, answer = server.post(
        "/api/v1/GreetTaskGreeterTrain", {"model_name": "m", "parameters": parameters}
    )
    assert status == 200, answer
    return json.loads(answer)["training_id"]


def train_over_grpc(server, filename):
    source = wire.block(2, wire.block(1, filename.encode()))
    request = wire.block(1, b"m") + wire.block(3, wire.block(1, source))
    method = "/caikit.runtime.GoldenLib.GoldenLibTrainingService/GreetTaskGreeterTrain"
    with server.channel() as channel:
        job = channel.unary_unary(method)(request, timeout=20)
    return job[2 : 2 + job[1]].decode()


TRAIN = {"http": train_over_http, "grpc": train_over_grpc}


def wait_for_training(server, training_id):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        _, answer = server.request("GET", f"/management/trainings?training_id={training_id}")
        state = json.loads(answer)
        if state["state"] not in ("QUEUED", "RUNNING"):
            return state
        time.sleep(0.02)
    raise TimeoutError(training_id)
