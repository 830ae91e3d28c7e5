"""Models that raise what is hard to tell: every call ends with a status, and is noted as failed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any, NoReturn

import grpc
import pytest
import requests

from caikit.core import ModuleBase, TaskBase, module, task
from caikit.core.data_model import DataObjectBase, dataobject
from caikit.interfaces.runtime.data_model import RuntimeServerContextType
from caikit.runtime.grpc_server import RuntimeGRPCServer
from caikit.runtime.http_server import RuntimeHTTPServer

STRANGE_ID = "3d9a61f2-58c4-4e0b-9d37-6f0c2a8be101"
IN_LOOP_ID = "3d9a61f2-58c4-4e0b-9d37-6f0c2a8be102"
WAIT_SECONDS = 10.0


@dataobject("tests.strange_errors")
class Uttered(DataObjectBase):
    text: str


@task(unary_parameters={"text": str}, unary_output_type=Uttered, streaming_output_type=Iterable[Uttered])
class UtterTask(TaskBase):
    pass


@task(unary_parameters={"text": str}, unary_output_type=Uttered)
class UtterInLoopTask(TaskBase):
    pass


class UnspeakableError(Exception):
    """Its text is none, its repr neither."""

    def __str__(self) -> str:
        return 5  # type: ignore[return-value] # that is what is tried

    __repr__ = __str__


class UnspeakableValueError(UnspeakableError, ValueError):
    pass


class HydraError(Exception):
    """Whoever asks for its text gets another one."""

    def __str__(self) -> str:
        raise HydraError


class LeavingError(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)


class IssuesError(ValueError):
    """Has issues that are not those of our input."""

    def __init__(self, message: str, issues: Any) -> None:
        super().__init__(message)
        self.issues = issues


class WellError(Exception):
    """Says that all is well."""

    def __init__(self, **stated: Any) -> None:
        super().__init__("not well at all")
        self.__dict__.update(stated)


class HiddenError(Exception):
    @property
    def status_code(self) -> NoReturn:
        raise RuntimeError("not to be known")


class MuteError(Exception):
    code = lambda self: grpc.StatusCode.NOT_FOUND  # noqa: E731 - a method, as that of grpc.RpcError

    def details(self) -> NoReturn:
        raise RuntimeError("not to be known")


ERRORS: dict[str, Callable[[], BaseException]] = {
    "unspeakable": UnspeakableError,
    "unspeakable value": UnspeakableValueError,
    "hydra": HydraError,
    "leaving": LeavingError,
    "issues": lambda: IssuesError("bad", ["a", "b"]),
    "no issues": lambda: IssuesError("bad", None),
    "number of issues": lambda: IssuesError("bad", 5),
    "well": lambda: WellError(status_code=grpc.StatusCode.OK),
    "well by code": lambda: WellError(code=lambda: grpc.StatusCode.OK),
    "well by http": lambda: WellError(status_code=HTTPStatus.OK),
    "hidden": lambda: HiddenError("hidden"),
    "mute": lambda: MuteError("mute"),
}
EXPECTED = {
    "unspeakable": ("INTERNAL", "UnspeakableError was raised"),
    "unspeakable value": ("INVALID_ARGUMENT", "UnspeakableValueError was raised"),
    "hydra": ("INTERNAL", "HydraError was raised"),
    "leaving": ("INTERNAL", "LeavingError was raised"),
    "issues": ("INVALID_ARGUMENT", "bad"),
    "no issues": ("INVALID_ARGUMENT", "bad"),
    "number of issues": ("INVALID_ARGUMENT", "bad"),
    "well": ("INTERNAL", "not well at all"),
    "well by code": ("INTERNAL", "not well at all"),
    "well by http": ("INTERNAL", "not well at all"),
    "hidden": ("INTERNAL", "hidden"),
    "mute": ("INTERNAL", "mute"),
}
HTTP = {"INTERNAL": 500, "INVALID_ARGUMENT": 400}


def utter(text: str, context: Any = None) -> Uttered:
    if text == "abort":
        context.abort(grpc.StatusCode.NOT_FOUND, "line\r\nanother ü")
    if text == "abort with bytes":
        context.abort(grpc.StatusCode.NOT_FOUND, b"bytes")
    if text == "abort well":
        context.abort(grpc.StatusCode.OK, "fine")
    if text == "look":
        return Uttered(f"{context.peer()[:4]} {context.is_active()} {context.code()}")
    if text in ERRORS:
        raise ERRORS[text]()
    return Uttered(text)


@module(STRANGE_ID, "Strange", "1.0.0", task=UtterTask)
class Strange(ModuleBase):
    @classmethod
    def load(cls, model_path: str, **kwargs: Any) -> Strange:
        return cls()

    @UtterTask.taskmethod(context_arg="context")
    def run(self, text: str, context: RuntimeServerContextType = None) -> Uttered:
        return utter(text, context)

    @UtterTask.taskmethod(output_streaming=True, context_arg="context")
    def run_stream(self, text: str, context: RuntimeServerContextType = None) -> Iterable[Uttered]:
        yield Uttered("first")
        yield utter(text, context)

    @classmethod
    def train(cls, text: str) -> Strange:
        utter(text)
        return cls()

    def save(self, model_path: str) -> None:
        pass


@module(IN_LOOP_ID, "StrangeInLoop", "1.0.0", task=UtterInLoopTask)
class StrangeInLoop(ModuleBase):
    RUNS_IN_LOOP = True

    @classmethod
    def load(cls, model_path: str, **kwargs: Any) -> StrangeInLoop:
        return cls()

    def run(self, text: str) -> Uttered:
        return utter(text)


@pytest.fixture
def settings(configure, tmp_path):
    for model, module_id in (("strange", STRANGE_ID), ("in_loop", IN_LOOP_ID)):
        folder = tmp_path / "models" / model
        folder.mkdir(parents=True)
        (folder / "config.yml").write_text(f"module_id: {module_id}\n")
    configure(library=__name__.partition(".")[0])


@pytest.fixture
def call(settings) -> Iterator[Callable[..., tuple[str, str]]]:
    """Calls over gRPC and returns how the call ended."""
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        stub, messages = server.inference_service.stub_class(channel), server.inference_service.messages

        def call(text: str, name: str = "Utter", model: str = "strange") -> tuple[str, str]:
            rpc = getattr(stub, f"{name}TaskPredict")
            request = getattr(messages, f"{name}TaskRequest")
            try:
                answer = rpc(request(text=text), metadata=[("mm-model-id", model)], timeout=WAIT_SECONDS)
                return "OK", answer.text if hasattr(answer, "text") else " ".join(
                    each.text for each in answer
                )
            except grpc.RpcError as error:
                return error.code().name, error.details()

        yield call


@pytest.fixture
def http(settings) -> Iterator[Callable[..., requests.Response]]:
    with RuntimeHTTPServer() as server, requests.Session() as session:

        def send(method: str, path: str, **kwargs: Any) -> requests.Response:
            url = f"http://127.0.0.1:{server.port}{path}"
            return session.request(method, url, timeout=WAIT_SECONDS, **kwargs)

        yield send


def post(http: Callable[..., requests.Response], path: str, text: str, model: str) -> requests.Response:
    return http("POST", f"/api/v1/task/{path}", json={"model_id": model, "inputs": text})


@pytest.fixture
def logged(caplog) -> Callable[[], list[str]]:
    """What was logged about failed calls."""

    def read() -> list[str]:
        texts = [record.getMessage() for record in caplog.records]
        return [text for text in texts if " ended with " in text]

    return read


@pytest.mark.parametrize("kind", EXPECTED)
def test_every_error_ends_its_call_over_grpc(call, logged, kind):
    status, text = EXPECTED[kind]
    assert call(kind) == (status, text)
    assert call(kind, "UtterInLoop", "in_loop") == (status, text)
    assert call(kind, "ServerStreamingUtter") == (status, text)
    assert len(logged()) == 3
    assert all(f"ended with {status}" in line for line in logged())


@pytest.mark.parametrize("kind", EXPECTED)
def test_every_error_ends_its_call_over_http(http, logged, kind):
    status, text = EXPECTED[kind]
    for path, model in (("utter", "strange"), ("utter-in-loop", "in_loop")):
        answer = post(http, path, kind, model)
        assert (answer.status_code, answer.json()["details"]) == (HTTP[status], text)
    last = post(http, "server-streaming-utter", kind, "strange").text.split("event: error")[1]
    content = json.loads(last.strip().removeprefix("data: "))
    assert content["code"] == HTTP[status]
    assert text in content["details"] or content["details"] == f"<{text.split()[0]}>"
    assert len(logged()) == 3


def test_a_model_aborts_its_call(call, logged):
    """Through the context, which each transport has in its own way."""
    assert call("look") == ("OK", "ipv4 True None")
    for rpc in ("Utter", "ServerStreamingUtter"):
        assert call("abort", rpc) == ("NOT_FOUND", "line\r\nanother ü")
        assert call("abort with bytes", rpc) == ("NOT_FOUND", "bytes")
        assert call("abort well", rpc) == ("UNKNOWN", "")
    assert [line.split(" ended with ")[1].split(":")[0] for line in logged()] == [
        "NOT_FOUND",
        "NOT_FOUND",
        "UNKNOWN",
    ] * 2


@pytest.mark.parametrize("kind", ["unspeakable", "hydra", "leaving"])
def test_a_failed_job_is_shown(http, kind):
    body = {"model_name": "", "parameters": {"text": kind}}
    started = http("POST", "/api/v1/UtterTaskStrangeTrain", json=body)
    assert started.status_code == 200, started.text
    training = {"training_id": started.json()["training_id"]}
    job = post(http, "utter/job", kind, "strange").json()
    end = time.monotonic() + WAIT_SECONDS
    for path, name in (("/management/trainings", training), ("/api/v1/task/utter/job", job)):
        query = {key: value for key, value in name.items() if key.endswith("_id")}
        while (answer := http("GET", path, params=query)).json()["state"] != "ERRORED":
            assert time.monotonic() < end, answer.text
            time.sleep(0.02)
        assert answer.json()["reasons"] == [EXPECTED[kind][1]]
        assert http("DELETE", path, params=query).json()["reasons"] == [EXPECTED[kind][1]]
    listed = http("GET", "/management/trainings/list").json()["trainings"]
    assert [each["reasons"] for each in listed if each["training_id"] == training["training_id"]] == [
        [EXPECTED[kind][1]]
    ]
