"""No answer tells where things are on the machine of the server, or shows its code."""

from __future__ import annotations

import json
import time

import pytest

from caikit.runtime.engine.private_paths import hide_folders

SERVICE = "/caikit.runtime.SecuredLib.SecuredLib"
HIDDEN = ("/nowhere", "/secret", "Traceback", 'File "', ".py", "site-packages")


def field(number: int, text: str) -> bytes:
    return bytes([number << 3 | 2, len(text)]) + text.encode()


@pytest.fixture
def site(serve):
    return serve(enabled=False)


@pytest.fixture
def tells_nothing(tmp_path):
    def check(text):
        assert text, "expected an answer"
        for hidden in (*HIDDEN, str(tmp_path)):
            assert hidden not in text, text

    return check


def http_requests():
    run, stream = "/api/v1/task/echoing", "/api/v1/task/server-streaming-echoing"
    train, models = "/api/v1/EchoingTaskEchoerTrain", "/management/models"
    for path in (run, stream, f"{run}/job"):
        for model in ("echo", "nobody", "../echo", "/etc", "echo/config.yml", "", "a\u0000b", None, 5):
            yield "POST", path, {"model_id": model, "inputs": "broken"}
        for text in ("missing file", "a missing file", 5, None, {"a": 1}):
            yield "POST", path, {"model_id": "echo", "inputs": text}
        yield "POST", path, {"model_id": "echo", "inputs": "a", "parameters": {"x": 1}}
        yield "POST", path, [1]
    for name in ("../../x", "/tmp/x", "a/b", "", "a" * 300, "\u0000"):
        yield "POST", train, {"model_name": name, "parameters": {"text": "a"}}
        content = {"filename": name, "data": "YQ=="}
        yield "POST", models, {"model_id": "m", "model_files": [content]}
        yield "POST", models, {"model_id": name, "model_files": [{"filename": "x", "data": "YQ=="}]}
        yield "DELETE", f"{models}?model_id={'%00' if name == chr(0) else name}", None
    yield "POST", train, {"model_name": "a", "output_path": {"path": "/nowhere"}, "parameters": {"text": "a"}}
    yield "POST", models, {"model_id": "echo", "model_files": [{"filename": "x", "data": "YQ=="}]}
    for path in (
        "/management/trainings?training_id=",
        f"{run}/job?prediction_id=",
        f"{run}/job/results?prediction_id=",
    ):
        for job in ("", "..", "%2Fetc%2Fpasswd", "a:b", "x" * 500):
            yield "GET", path + job, None
            yield "DELETE", path + job, None
    yield "GET", "/info/models?model_ids=nobody", None
    yield "GET", "/..%2f..%2fetc/passwd", None


def test_http(site, tells_nothing):
    for method, path, content in http_requests():
        status = site.http.request(method, path, None, content)
        assert status != "INTERNAL" or "missing" in str(content) or "broken" in str(content), (path, content)
        if status != "OK":
            tells_nothing(site.http.text)


def test_grpc(site, tells_nothing):
    calls = [
        (f"{SERVICE}Service/EchoingTaskPredict", field(1, "missing file"), "unary_unary"),
        (f"{SERVICE}Service/EchoingTaskPredict", field(1, "broken"), "unary_unary"),
        (f"{SERVICE}Service/EchoingTaskPredict", b"\xff\xff", "unary_unary"),
        (f"{SERVICE}Service/ServerStreamingEchoingTaskPredict", field(1, "a missing b"), "unary_stream"),
        (f"{SERVICE}Service/BidiStreamingEchoingTaskPredict", b"\xff", "stream_stream"),
        (f"{SERVICE}TrainingService/EchoingTaskEchoerTrain", field(1, "../x"), "unary_unary"),
        (f"{SERVICE}TrainingService/EchoingTaskEchoerTrain", b"\xff", "unary_unary"),
        ("/caikit.runtime.training.TrainingManagement/GetTrainingStatus", field(1, "/etc"), "unary_unary"),
        ("/caikit.runtime.training.TrainingManagement/CancelTraining", field(1, "a:b"), "unary_unary"),
        ("/caikit.runtime.models.ModelManagement/DeployModel", field(1, "../x"), "unary_unary"),
        ("/caikit.runtime.models.ModelManagement/DeployModel", field(1, "echo"), "unary_unary"),
        ("/caikit.runtime.models.ModelManagement/UndeployModel", field(1, "nobody"), "unary_unary"),
        ("/caikit.runtime.info.InfoService/GetModelsInfo", field(1, "nobody"), "unary_unary"),
        ("/mmesh.ModelRuntime/loadModel", field(1, "m"), "unary_unary"),
        ("/mmesh.ModelRuntime/predictModelSize", field(1, "m"), "unary_unary"),
        ("/processproto.Process/Run", field(1, "id"), "unary_unary"),
        ("/nowhere.at.All/Run", b"", "unary_unary"),
    ]
    for method, body, kind in calls:
        assert site.grpc.call(method, body, kind=kind) != "OK", method
        # The name of the method is what the client has said.
        tells_nothing(site.grpc.text.replace(method, ""))
    assert site.grpc.call(*calls[0][:2]) == "INTERNAL"
    assert site.grpc.text == "[Errno 2] No such file or directory: 'place.txt'"


@pytest.mark.parametrize("text", ["missing file", "broken"])
def test_trainings_and_jobs(site, tells_nothing, text):
    def ask(path):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            site.http.request("GET", path)
            if json.loads(site.http.text).get("state") not in ("QUEUED", "RUNNING"):
                return site.http.text
            time.sleep(0.02)
        raise AssertionError("the job does not end")

    site.http.request(
        "POST",
        "/api/v1/EchoingTaskEchoerTrain",
        None,
        {"model_name": "new", "parameters": {"text": "missing file"}},
    )
    answer = ask("/management/trainings?training_id=" + json.loads(site.http.text)["training_id"])
    assert json.loads(answer)["reasons"] == ["[Errno 2] No such file or directory: 'place.txt'"]
    tells_nothing(answer)
    site.http.request("POST", "/api/v1/task/echoing/job", None, {"model_id": "echo", "inputs": text})
    query = "prediction_id=" + json.loads(site.http.text)["prediction_id"]
    answer = ask(f"/api/v1/task/echoing/job?{query}")
    assert json.loads(answer)["state"] == "ERRORED"
    tells_nothing(answer)
    site.http.request("GET", f"/api/v1/task/echoing/job/results?{query}")
    tells_nothing(site.http.text)


def test_folders_that_cannot_be_read(serve, tmp_path, tells_nothing):
    site = serve({"lazy_load_local_models": True, "lazy_load_retries": 0}, enabled=False)
    (tmp_path / "models" / "half").mkdir()
    (tmp_path / "models" / "half" / "config.yml").mkdir()
    for door in site.doors:
        content = {"model_id": "half", "inputs": "a"}
        if door is site.http:
            door.request("POST", "/api/v1/task/echoing", None, content)
        else:
            call = door.channel.unary_unary(f"{SERVICE}Service/EchoingTaskPredict").with_call
            with pytest.raises(Exception, match="half") as caught:
                call(field(1, "a"), metadata=[("mm-model-id", "half")], timeout=5)
            door.text = caught.value.details()
        # What a model lacks is told with the path that the configuration has given: programs look for that text.
        if "does not contain a `config.yml` file" not in door.text:
            tells_nothing(door.text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no system error: '/a/b'", "no system error: '/a/b'"),
        (
            "[Errno 2] No such file or directory: '/a/b c/d.txt'",
            "[Errno 2] No such file or directory: 'd.txt'",
        ),
        ("[Errno 2] No such file or directory: '/a/'", "[Errno 2] No such file or directory: 'a'"),
        ("[Errno 2] No such file or directory: 'd.txt'", "[Errno 2] No such file or directory: 'd.txt'"),
        ("x: [Errno 18] Cross-device link: '/a/b' -> '/c/d'", "x: [Errno 18] Cross-device link: 'b' -> 'd'"),
        ("ValueError(\"[Errno 13] no: '/a/b'\")", "ValueError(\"[Errno 13] no: 'b'\")"),
        ("[Errno 13] no: b'/a/b'", "[Errno 13] no: b'b'"),
        ('[Errno 13] no: "/a/it\'s/b"', '[Errno 13] no: "b"'),
        ("[Errno 111] Connection refused", "[Errno 111] Connection refused"),
    ],
)
def test_hide_folders(text, expected):
    assert hide_folders(text) == expected
