"""Inputs that a task requires and a request lacks are the client's mistake, whatever the module makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import grpc
import pytest
import requests

from caikit.core import ModuleBase, TaskBase, module, task
from caikit.core.data_model import DataObjectBase, dataobject
from caikit.runtime.grpc_server import RuntimeGRPCServer
from caikit.runtime.http_server import RuntimeHTTPServer

MODULE_ID = "7f1b5c4e-0000-4000-8000-0000000000a1"


@dataobject("tests.absent_inputs")
class Guest(DataObjectBase):
    name: str


@dataobject("tests.absent_inputs")
class Welcome(DataObjectBase):
    text: str


@task(
    unary_parameters={"guest": Guest, "host": Guest},
    unary_output_type=Welcome,
    streaming_output_type=Iterable[Welcome],
)
class WelcomeTask(TaskBase):
    pass


@module(MODULE_ID, "Welcomer", "1.0.0", task=WelcomeTask)
class Welcomer(ModuleBase):
    """Has defaults for inputs that its task requires; it can do without the host."""

    @classmethod
    def load(cls, model_path: str, **kwargs: Any) -> Welcomer:
        return cls()

    @WelcomeTask.taskmethod()
    def run(self, guest: Guest = None, host: Guest | None = None, fail: str = "") -> Welcome:
        if fail == "attribute":
            raise AttributeError("something else")
        if fail == "none":
            return Welcome(None.name)  # type: ignore[attr-defined] # a mistake of the module
        return Welcome(f"{guest.name} {host.name if host else '-'}")

    @WelcomeTask.taskmethod(output_streaming=True)
    def run_stream(self, guest: Guest = None, host: Guest | None = None) -> Iterable[Welcome]:
        yield Welcome("first")
        yield Welcome(guest.name)


@pytest.fixture(params=["standard", "native"])
def transport(request):
    return request.param


@pytest.fixture
def settings(configure, tmp_path, transport):
    model = tmp_path / "models" / "door"
    model.mkdir(parents=True)
    (model / "config.yml").write_text(f"module_id: {MODULE_ID}\n")
    configure(library=__name__.partition(".")[0], transport=transport)


@pytest.fixture
def ask_grpc(settings):
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        stub = server.inference_service.stub_class(channel)
        messages = server.inference_service.messages

        def ask(streamed=False, **fields):
            metadata = [("mm-model-id", "door")]
            if streamed:
                request = messages.ServerStreamingWelcomeTaskRequest(**fields)
                return list(stub.ServerStreamingWelcomeTaskPredict(request, metadata=metadata, timeout=10))
            return stub.WelcomeTaskPredict(
                messages.WelcomeTaskRequest(**fields), metadata=metadata, timeout=10
            )

        yield ask


@pytest.fixture
def ask_http(settings):
    with RuntimeHTTPServer() as server, requests.Session() as session:

        def ask(body, path="welcome"):
            return session.post(f"http://127.0.0.1:{server.port}/api/v1/task/{path}", json=body, timeout=10)

        yield ask


def test_over_grpc(ask_grpc):
    for streamed in (False, True):
        with pytest.raises(grpc.RpcError) as caught:
            ask_grpc(streamed)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert caught.value.details() == "Missing required inputs: 'guest', 'host'"


def test_what_a_module_can_do_without_is_its_own_affair(ask_grpc):
    assert ask_grpc(guest={"name": "Ann"}).text == "Ann -"


@pytest.mark.parametrize(("fail", "given"), [("attribute", {}), ("none", {"host": {}, "guest": {}})])
def test_other_failures_are_those_of_the_module(ask_grpc, fail, given):
    with pytest.raises(grpc.RpcError) as caught:
        ask_grpc(fail=fail, **given)
    assert caught.value.code() is grpc.StatusCode.INTERNAL


@pytest.mark.parametrize("inputs", [{}, {"inputs": None}, {"inputs": {}}, {"inputs": {"guest": None}}])
def test_over_http(ask_http, inputs):
    answer = ask_http({"model_id": "door", **inputs})
    assert answer.status_code == 400
    content = answer.json()
    assert content.pop("id")
    assert content == {
        "details": "Missing required inputs: 'guest', 'host', expected at inputs.guest, inputs.host",
        "code": 400,
    }


def test_in_events(ask_http):
    answer = ask_http({"model_id": "door", "inputs": {"host": {}}}, "server-streaming-welcome")
    first, second = answer.text.strip().split("\r\n\r\n")
    assert json.loads(first.partition("data: ")[2]) == {"text": "first"}
    failure = json.loads(second.partition("data: ")[2])
    assert failure["code"] == 400
    assert failure["details"] == "Missing required input: 'guest', expected at inputs.guest"
