"""What clients do wrong is no error of the server: nobody can fill the log with errors."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import time

import pytest
import wire

LAZY = {"runtime": {"lazy_load_local_models": True}}
HEAD = b"POST /api/v1/task/greet HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
HEALTH = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"


def errors_of(log: str) -> list[str]:
    errors = []
    for line in log.splitlines():
        record = {}
        with contextlib.suppress(ValueError):
            record = json.loads(line)
        if record.get("level") in ("error", "fatal") or "Traceback" in line:
            errors.append(line)
    return errors


def test_models_that_do_not_exist(start_server):
    server = start_server(LAZY)
    (server.root / "models" / "empty").mkdir()

    for name in ("nobody", "empty"):
        content = {"model_id": name, "inputs": {"name": "Ann"}}
        assert server.post("/api/v1/task/greet", content)[0] == 404
        assert server.call("GreetTaskPredict", wire.greeting(), name)[0] == "NOT_FOUND"

    assert errors_of(server.log()) == []


def test_the_operator_is_told_of_a_folder_that_is_no_model(start_server):
    polling = {"lazy_load_poll_period_seconds": 0.1, "lazy_load_write_detection_period_seconds": 0.02}
    server = start_server({"runtime": {**LAZY["runtime"], **polling}})
    (server.root / "models" / "hollow").mkdir()

    end = time.monotonic() + 20
    while "No model 'hollow'" not in server.log() and time.monotonic() < end:
        time.sleep(0.05)

    lines = [line for line in server.log().splitlines() if "No model 'hollow'" in line]
    assert json.loads(lines[0])["level"] == "warning"


def test_models_that_are_deployed_without_their_configuration(start_server):
    server = start_server()
    files = [{"filename": "weights", "data": base64.b64encode(b"x").decode()}]

    status, _ = server.post("/management/models", {"model_id": "half", "model_files": files})
    answer = server.post("/api/v1/task/greet", {"model_id": "half", "inputs": {"name": "Ann"}})

    assert status == 200
    assert answer[0] == 404
    assert errors_of(server.log()) == []


def test_models_of_a_mesh_that_do_not_exist(start_server):
    server = start_server()
    nowhere = wire.block(1, b"m") + wire.block(2, b"t") + wire.block(3, b"/nowhere")

    assert server.call("/mmesh.ModelRuntime/loadModel", nowhere)[0] == "NOT_FOUND"

    assert errors_of(server.log()) == []


def test_outputs_of_trainings_that_are_not_supported(start_server):
    server = start_server()
    data = {"data_stream": {"data": [{"number": 1, "label": "a"}]}}
    request = {
        "model_name": "m",
        "parameters": {"training_data": data},
        "output_path": {"path": "p", "bucket": "b"},
    }

    status, body = server.post("/api/v1/GreetTaskGreeterTrain", request)

    assert status == 400
    assert "S3 output path" in json.loads(body)["details"]
    assert errors_of(server.log()) == []


@pytest.mark.parametrize("garbage", [b"no request\r\n\r\n", b"\x00\xff" * 40], ids=["words", "bytes"])
def test_bytes_after_requests_that_were_sent_ahead(start_server, garbage):
    server = start_server()
    slow = greet_request(sleep=0.05)

    for requests in ([slow], [slow, HEALTH], [slow, slow, HEALTH], [HEALTH, HEALTH]):
        assert_answers(requests, server.exchange(b"".join(requests) + garbage))

    server.assert_well()
    assert errors_of(server.log()) == []


def test_broken_bodies_after_requests_that_were_sent_ahead(start_server):
    server = start_server()
    slow = greet_request(sleep=0.05)
    broken = HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\n{    no chunk\r\n\r\n"

    for requests in ([], [slow], [slow, HEALTH]):
        assert_answers(requests, server.exchange(b"".join(requests) + broken))
    for _ in range(50):
        # Answered without a look at the body.
        server.exchange(broken.replace(b"/greet", b"/nothing"))

    server.assert_well()
    assert errors_of(server.log()) == []


def test_clients_that_leave_after_they_sent_ahead(start_server):
    server = start_server()

    for _ in range(5):
        with server.connect(greet_request(sleep=0.2) + HEALTH):
            time.sleep(0.05)
    time.sleep(0.4)

    server.assert_well()
    server.terminate(within=10)
    assert errors_of(server.log()) == []


def greet_request(sleep: float) -> bytes:
    content = {"model_id": "greeter", "inputs": {"name": "Ann"}, "parameters": {"sleep": sleep}}
    body = json.dumps(content).encode()
    return HEAD + b"content-length: %d\r\n\r\n" % len(body) + body


def assert_answers(requests: list[bytes], answers: bytes) -> None:
    """The one that was begun is answered; then the rest in order, or the connection is closed, as an answer says."""
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", answers)]
    assert len(statuses) >= 1
    assert statuses[: len(requests)] == [200] * min(len(requests), len(statuses))
    assert statuses[len(requests) :] in ([], [400])
    assert b"connection: close" in answers
