"""Modules that misuse what gRPC lends them, and clients that fall silent: nobody else pays for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any

import grpc
import pytest

from caikit.config import get_config
from caikit.core import ModuleBase, TaskBase, module, task
from caikit.core.data_model import DataObjectBase, DataStream, dataobject
from caikit.interfaces.runtime.data_model import RuntimeServerContextType
from caikit.runtime.grpc_server import RuntimeGRPCServer

WORKER_ID = "3c9d4a52-6f0e-4b71-9a83-51d7e2c40a11"
LOOP_ID = "3c9d4a52-6f0e-4b71-9a83-51d7e2c40a12"
WAIT_SECONDS = 10.0
STALL_SECONDS = 0.6

WHERE = ["Misuse", "LoopMisuse"]


@dataobject("tests.misused_contexts")
class Said(DataObjectBase):
    text: str


@task(
    unary_parameters={"text": str},
    streaming_parameters={"text": Iterable[str]},
    unary_output_type=Said,
    streaming_output_type=Iterable[Said],
)
class MisuseTask(TaskBase):
    pass


@task(unary_parameters={"text": str}, unary_output_type=Said)
class LoopMisuseTask(TaskBase):
    pass


def misuse(text: str, context: Any) -> Said:
    match text:
        case "number":
            context.set_code(grpc.StatusCode.NOT_FOUND)
            context.set_details(5)
        case "abort with a number":
            context.abort(grpc.StatusCode.NOT_FOUND, 5)
        case "bytes":
            context.set_code(grpc.StatusCode.NOT_FOUND)
            context.set_details("für dich".encode())
        case "cancel":
            context.cancel()
        case "metadata":
            context.send_initial_metadata((("first", "1"),))
            with pytest.raises(ValueError, match="Initial metadata no longer allowed!"):
                context.send_initial_metadata((("second", "2"),))
    return Said(text)


@module(WORKER_ID, "Misuser", "1.0.0", task=MisuseTask)
class Misuser(ModuleBase):
    @classmethod
    def load(cls, model_path: str, **kwargs: Any) -> Misuser:
        return cls()

    @MisuseTask.taskmethod(context_arg="context")
    def run(self, text: str, context: RuntimeServerContextType = None) -> Said:
        return misuse(text, context)

    @MisuseTask.taskmethod(input_streaming=True)
    def run_all(self, text: DataStream[str]) -> Said:
        return Said(" ".join(text))

    @MisuseTask.taskmethod(input_streaming=True, output_streaming=True)
    def run_bidi(self, text: DataStream[str]) -> Iterable[Said]:
        for word in text:
            if word == "work":
                time.sleep(2.5 * STALL_SECONDS)
            yield Said(word)


@module(LOOP_ID, "LoopMisuser", "1.0.0", task=LoopMisuseTask)
class LoopMisuser(ModuleBase):
    RUNS_IN_LOOP = True

    @classmethod
    def load(cls, model_path: str, **kwargs: Any) -> LoopMisuser:
        return cls()

    @LoopMisuseTask.taskmethod(context_arg="context")
    def run(self, text: str, context: RuntimeServerContextType = None) -> Said:
        return misuse(text, context)


class Client:
    def __init__(self, server: RuntimeGRPCServer, channel: grpc.Channel) -> None:
        self.service = server.inference_service
        self.stub = self.service.stub_class(channel)

    def request(self, task_name: str, text: str) -> Any:
        return getattr(self.service.messages, f"{task_name}TaskRequest")(text=text)

    def call(self, task_name: str, text: str) -> tuple[Any, grpc.Call]:
        rpc = getattr(self.stub, f"{task_name}TaskPredict")
        metadata = [("mm-model-id", task_name)]
        found: tuple[Any, grpc.Call] = rpc.with_call(
            self.request(task_name, text), metadata=metadata, timeout=WAIT_SECONDS
        )
        return found

    def fail(self, task_name: str, text: str) -> tuple[str, str]:
        with pytest.raises(grpc.RpcError) as caught:
            self.call(task_name, text)
        return caught.value.code().name, caught.value.details()

    def stream(self, kind: str, words: Iterable[str]) -> Any:
        rpc = getattr(self.stub, f"{kind}StreamingMisuseTaskPredict")
        message = getattr(self.service.messages, f"{kind}StreamingMisuseTaskRequest")
        rpc = rpc.future if kind == "Client" else rpc
        metadata = [("mm-model-id", "Misuse")]
        return rpc((message(text=word) for word in words), metadata=metadata, timeout=WAIT_SECONDS)


@pytest.fixture
def client(configure, tmp_path):
    for model, module_id in zip(WHERE, (WORKER_ID, LOOP_ID), strict=True):
        folder = tmp_path / "models" / model
        folder.mkdir(parents=True)
        (folder / "config.yml").write_text(f"module_id: {module_id}\n")
    configure(
        library=__name__.partition(".")[0],
        stream_stall_seconds=STALL_SECONDS,
        server_thread_pool_size=2,
        grpc={"maximum_concurrent_rpcs": 2},
    )
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        yield Client(server, channel)


def one_or_other(*, native: str, standard: str) -> str:
    return native if get_config().runtime.transport == "native" else standard


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("text", ["number", "abort with a number"])
def test_details_that_are_no_text(client, where, text):
    """More calls than may run at the same time: each gives its place back."""
    for _ in range(3):
        status, details = client.fail(where, text)
        # What grpcio itself refuses is an AttributeError.
        assert status in ("INVALID_ARGUMENT", "INTERNAL")
        assert "int" in details
    assert client.call(where, "fine")[0].text == "fine"


@pytest.mark.parametrize("where", WHERE)
def test_details_as_bytes(client, where):
    assert client.fail(where, "bytes") == ("NOT_FOUND", "für dich")


@pytest.mark.parametrize("where", WHERE)
def test_a_module_cancels_its_call(client, where):
    assert client.fail(where, "cancel")[0] == "CANCELLED"


@pytest.mark.parametrize("where", WHERE)
def test_initial_metadata_is_sent_once(client, where):
    answer, call = client.call(where, "metadata")
    assert answer.text == "metadata"
    assert ("first", "1") in call.initial_metadata()
    assert "second" not in dict(call.initial_metadata())


@pytest.mark.parametrize("kind", ["Client", "Bidi"])
def test_streams_that_fall_silent_keep_no_worker_that_others_wait_for(client, kind):
    release = threading.Event()

    def begin():
        yield "a"
        release.wait(WAIT_SECONDS)

    calls = [client.stream(kind, begin()) for _ in range(2)]
    try:
        if kind == "Bidi":
            assert [next(call).text for call in calls] == ["a", "a"]
        end = time.monotonic() + WAIT_SECONDS
        while not (ended := [call for call in calls if not call.is_active()]):
            assert time.monotonic() < end
            time.sleep(0.02)
        for call in ended:
            assert call.code().name == one_or_other(native="DEADLINE_EXCEEDED", standard="CANCELLED")
            if get_config().runtime.transport == "native":
                reason = (
                    f"The client sent nothing for {STALL_SECONDS:g} seconds (runtime.stream_stall_seconds)"
                )
                assert call.details() == reason
        assert client.call("Misuse", "fine")[0].text == "fine"
    finally:
        release.set()


def test_a_stream_may_pause_while_nobody_else_waits(client):
    def pause():
        yield "a"
        time.sleep(3 * STALL_SECONDS)
        yield "b"

    assert [said.text for said in client.stream("Bidi", pause())] == ["a", "b"]


def test_who_waits_for_answers_is_not_silent(client):
    answered = threading.Event()

    def converse():
        yield "work"
        answered.wait(WAIT_SECONDS)
        yield "done"

    call = client.stream("Bidi", converse())
    assert next(call).text == "work"
    answered.set()
    assert [said.text for said in call] == ["done"]
