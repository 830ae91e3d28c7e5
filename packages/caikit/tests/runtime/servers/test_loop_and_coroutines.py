"""Modules that are called in the event loop, and modules whose methods are coroutines."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable
from typing import Any

import grpc
import pytest
import requests

from caikit.config import get_config
from caikit.core import ModuleBase, TaskBase, module, task
from caikit.core.data_model import DataObjectBase, DataStream, dataobject
from caikit.runtime.grpc_server import RuntimeGRPCServer
from caikit.runtime.http_server import RuntimeHTTPServer

QUICK_ID = "7f1b5c4e-0000-4000-8000-0000000000b1"
WAITING_ID = "7f1b5c4e-0000-4000-8000-0000000000b2"
WAIT_SECONDS = 10.0

begun = threading.Semaphore(0)
ended = threading.Semaphore(0)


@dataobject("tests.loop_and_coroutines")
class Told(DataObjectBase):
    text: str


@task(unary_parameters={"text": str}, unary_output_type=Told)
class HurryTask(TaskBase):
    pass


@task(unary_parameters={"text": str}, unary_output_type=Told, streaming_output_type=Iterable[Told])
class PatientTask(TaskBase):
    pass


@module(QUICK_ID, "Quick", "1.0.0", task=HurryTask)
class Quick(ModuleBase):
    RUNS_IN_LOOP = True

    @classmethod
    def load(cls, model_path: str, **kwargs: Any) -> Quick:
        return cls()

    def run(self, text: str) -> Told:
        if text == "fail":
            raise ValueError("bad value")
        if text == "slow":
            time.sleep(1.2)
        return Told(threading.current_thread().name)


@module(WAITING_ID, "Waiting", "1.0.0", task=PatientTask)
class Waiting(ModuleBase):
    RUNS_IN_LOOP = True
    """Means nothing for coroutines."""

    @classmethod
    def load(cls, model_path: str, **kwargs: Any) -> Waiting:
        return cls()

    @PatientTask.taskmethod()
    async def run(self, text: str) -> Told:
        await asyncio.sleep(0)
        if text == "stop":
            asyncio.get_running_loop().stop()
        if text == "fail":
            raise ValueError("bad value")
        if text == "wait":
            begun.release()
            try:
                await asyncio.sleep(60)
            finally:
                ended.release()
        return Told(f"{text} in {threading.current_thread().name}")

    @PatientTask.taskmethod(output_streaming=True)
    async def run_stream(self, text: str) -> DataStream[Told]:
        try:
            for number in range(3):
                await asyncio.sleep(0)
                yield Told(f"{text} {number}")
            if text == "wait":
                begun.release()
                await asyncio.sleep(60)
        finally:
            ended.release()


@pytest.fixture
def settings(configure, tmp_path):
    for model, module_id in (("quick", QUICK_ID), ("waiting", WAITING_ID)):
        folder = tmp_path / "models" / model
        folder.mkdir(parents=True)
        (folder / "config.yml").write_text(f"module_id: {module_id}\n")
    configure(library=__name__.partition(".")[0])


@pytest.fixture
def grpc_stub(settings):
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        stub, messages = server.inference_service.stub_class(channel), server.inference_service.messages

        def call(method, text, *, future=False, model=None, timeout=WAIT_SECONDS):
            rpc = getattr(stub, f"{method}TaskPredict")
            request = getattr(messages, f"{method}TaskRequest")(text=text)
            model = model or ("quick" if method == "Hurry" else "waiting")
            rpc = rpc.future if future else rpc
            return rpc(request, metadata=[("mm-model-id", model)], timeout=timeout)

        yield call


@pytest.fixture
def post(settings):
    with RuntimeHTTPServer() as server, requests.Session() as session:

        def post(path, text, timeout=WAIT_SECONDS):
            body = {"model_id": "quick" if path == "hurry" else "waiting", "inputs": text}
            url = f"http://127.0.0.1:{server.port}/api/v1/task/{path}"
            return session.post(url, json=body, timeout=timeout)

        yield post


def test_in_the_loop_over_grpc(grpc_stub):
    name = grpc_stub("Hurry", "go").text
    # grpcio has no event loop of ours.
    assert name.startswith(
        "caikit_grpc" if get_config().runtime.transport == "native" else "caikit_runtime_grpc"
    )
    with pytest.raises(grpc.RpcError) as caught:
        grpc_stub("Hurry", "fail")
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.INVALID_ARGUMENT, "bad value")
    with pytest.raises(grpc.RpcError) as caught:
        grpc_stub("Hurry", "go", model="nobody")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_in_the_loop_over_http(post):
    name = post("hurry", "go").json()["text"]
    assert not name.startswith("caikit_runtime_http")
    assert post("hurry", "go").json()["text"] == name
    assert post("hurry", "fail").status_code == 400
    assert post("hurry", ["no text"]).status_code == 422
    assert post("hurry", "long" * 10_000).json()["text"].startswith("caikit_runtime_http")


def test_what_keeps_the_loop_waiting_goes_to_workers(post):
    first = post("hurry", "slow").json()["text"]
    assert not first.startswith("caikit_runtime_http")
    assert post("hurry", "go").json()["text"].startswith("caikit_runtime_http")


def test_coroutine_over_grpc(grpc_stub):
    assert grpc_stub("Patient", "one").text == "one in caikit_models"
    with pytest.raises(grpc.RpcError) as caught:
        grpc_stub("Patient", "fail")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    futures = [grpc_stub("Patient", str(number), future=True) for number in range(50)]
    assert [each.result(WAIT_SECONDS).text.split()[0] for each in futures] == [str(n) for n in range(50)]


def test_coroutine_over_http(post):
    assert post("patient", "one").json() == {"text": "one in caikit_models"}
    assert post("patient", "fail").status_code == 400


def test_a_coroutine_that_stops_the_loop_ends_nothing(grpc_stub, caplog):
    waiting = grpc_stub("Patient", "wait", future=True)
    assert begun.acquire(timeout=WAIT_SECONDS)
    assert grpc_stub("Patient", "stop").text.startswith("stop")
    assert grpc_stub("Patient", "one").text == "one in caikit_models"
    waiting.cancel()
    assert ended.acquire(timeout=WAIT_SECONDS)
    assert "A model has tried to end the event loop" in caplog.text


def test_a_coroutine_ends_with_its_call(grpc_stub):
    call = grpc_stub("Patient", "wait", future=True)
    assert begun.acquire(timeout=WAIT_SECONDS)
    call.cancel()
    assert ended.acquire(timeout=WAIT_SECONDS)


def test_a_coroutine_ends_at_its_deadline(grpc_stub):
    with pytest.raises(grpc.RpcError) as caught:
        grpc_stub("Patient", "wait", timeout=0.5)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert begun.acquire(timeout=WAIT_SECONDS)
    assert ended.acquire(timeout=WAIT_SECONDS)


def test_a_coroutine_ends_when_its_client_leaves(post):
    with pytest.raises(requests.Timeout):
        post("patient", "wait", timeout=0.5)
    assert begun.acquire(timeout=WAIT_SECONDS)
    assert ended.acquire(timeout=WAIT_SECONDS)


def test_asynchronous_generators(grpc_stub):
    assert [each.text for each in grpc_stub("ServerStreamingPatient", "a")] == ["a 0", "a 1", "a 2"]
    assert ended.acquire(timeout=WAIT_SECONDS)
    call = grpc_stub("ServerStreamingPatient", "wait")
    assert next(call).text == "wait 0"
    assert begun.acquire(timeout=WAIT_SECONDS)
    call.cancel()
    assert ended.acquire(timeout=WAIT_SECONDS)


def test_asynchronous_generators_over_http(post):
    answer = post("server-streaming-patient", "a")
    assert [line for line in answer.text.splitlines() if line.startswith("data:")] == [
        f'data: {{"text": "a {number}"}}' for number in range(3)
    ]
    assert ended.acquire(timeout=WAIT_SECONDS)


def test_coroutines_wait_beside_each_other(grpc_stub):
    waiting = [grpc_stub("Patient", "wait", future=True) for _ in range(3)]
    assert all(begun.acquire(timeout=WAIT_SECONDS) for _ in waiting)
    assert grpc_stub("Patient", "one").text.startswith("one")
    for call in waiting:
        call.cancel()
    assert all(ended.acquire(timeout=WAIT_SECONDS) for _ in waiting)


def test_a_job_of_a_coroutine(post):
    started = post("patient/job", "one")
    results = f"{started.url}/results?prediction_id={started.json()['prediction_id']}"
    end = time.monotonic() + WAIT_SECONDS
    while (answer := requests.get(results, timeout=WAIT_SECONDS)).status_code != 200:
        assert time.monotonic() < end, answer.text
        time.sleep(0.02)
    assert answer.json()["text"].startswith("one in ")
