"""Requests that a model answers together, over both protocols."""

from __future__ import annotations

import contextlib
import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import batched_lib
import grpc
import pytest
import requests

from caikit.core.data_model.base import DataBase
from caikit.runtime.grpc_server import RuntimeGRPCServer
from caikit.runtime.http_server import RuntimeHTTPServer
from caikit.runtime.models import SHARED_STORE

MODELS = {"together": batched_lib.Together, "single": batched_lib.Single, "other": batched_lib.OtherName}
SERVICE = "/caikit.runtime.BatchedLib.BatchedLibService/"


class RefusedError(Exception):
    """The status and the text of a failed call."""


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    batched_lib.reset()
    yield
    for gate in batched_lib.gates.values():
        gate.set()


@pytest.fixture
def configure(tmp_path: Path, temp_config: Callable[[dict[str, Any]], None]) -> Callable[..., None]:
    def apply(batching: dict[str, Any] | None = None, **runtime: Any) -> None:
        for name, module in MODELS.items():
            (tmp_path / "models" / name).mkdir(parents=True)
            (tmp_path / "models" / name / "config.yml").write_text(f"module_id: {module.MODULE_ID}\n")
        temp_config(
            {
                "runtime": {
                    "library": "batched_lib",
                    "local_models_dir": str(tmp_path / "models"),
                    "lazy_load_write_detection_period_seconds": 0,
                    "grpc": {"port": 0, "host": "127.0.0.1", "unix_socket_path": ""},
                    "http": {"port": 0, "host": "127.0.0.1"},
                    "metrics": {"enabled": False},
                    "batching": {"default": batching or {"size": 16, "collect_delay_s": 0.005}},
                    **runtime,
                }
            }
        )

    return apply


class Kit(NamedTuple):
    """A server, and a function that calls it and returns the fields of the answer."""

    server: Any
    call: Callable[..., dict[str, Any]]

    def wait_for_workers(self, count: int) -> None:
        wait_until(lambda: self.server.thread_pool.running == count)


@contextlib.contextmanager
def serve(head: str) -> Iterator[Kit]:
    if head == "http":
        with RuntimeHTTPServer() as server:
            url = f"http://127.0.0.1:{server.port}/api/v1/task/batched-echo"
            yield Kit(server, partial(post, url))
        return
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        yield Kit(server, partial(unary, channel))


def post(url: str, text: str, model: str = "together", **parameters: Any) -> dict[str, Any]:
    body = {"model_id": model, "inputs": text, "parameters": parameters}
    response = requests.post(url, json=body, timeout=10)
    if response.status_code != 200:
        raise RefusedError(response.status_code, response.json()["details"])
    answer: dict[str, Any] = response.json()
    return answer


def start(
    channel: grpc.Channel, text: str, model: str = "together", timeout: float = 10, **given: Any
) -> Any:
    request = DataBase.get_class_for_name("BatchedEchoTaskRequest")(text=text, **given)
    return channel.unary_unary(
        SERVICE + "BatchedEchoTaskPredict",
        request_serializer=lambda message: message.to_binary_buffer(),
        response_deserializer=batched_lib.Echo.get_proto_class().FromString,
    ).future(request, metadata=[("mm-model-id", model)], timeout=timeout)


def unary(channel: grpc.Channel, text: str, model: str = "together", **given: Any) -> dict[str, Any]:
    try:
        answer = start(channel, text, model, **given).result()
    except grpc.RpcError as error:
        raise RefusedError(error.code().name, error.details()) from None
    return {name: getattr(answer, name) for name in ("text", "together", "scale", "mode")}


def together(kit: Kit, inputs: list[dict[str, Any]]) -> list[Any]:
    """The answers or refusals of calls at the same time."""

    def one(given: dict[str, Any]) -> Any:
        try:
            return kit.call(**given)
        except RefusedError as refused:
            return refused

    with ThreadPoolExecutor(len(inputs)) as pool:
        return list(pool.map(one, inputs))


def wait_until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


@contextlib.contextmanager
def held(kit: Kit) -> Iterator[None]:
    """While a call of the model lasts, requests gather."""
    gate = batched_lib.gates["hold"] = threading.Event()
    first = threading.Thread(target=kit.call, args=("hold",))
    first.start()
    wait_until(lambda: ["hold"] in batched_lib.calls)
    yield
    gate.set()
    first.join()


def gathered(kit: Kit, inputs: list[dict[str, Any]]) -> list[Any]:
    """As `together`, but all of them wait before the model is free again."""
    with ThreadPoolExecutor(1) as pool:
        with held(kit):
            answers = pool.submit(together, kit, inputs)
            kit.wait_for_workers(1 + len(inputs))
        return answers.result()


both_heads = pytest.mark.parametrize("head", ["grpc", "http"])


@both_heads
def test_requests_share_calls_of_the_model(configure, head):
    configure()
    with serve(head) as kit:
        answers = gathered(kit, [{"text": f"t{number}", "scale": number} for number in range(8)])
    assert [(answer["text"], answer["scale"]) for answer in answers] == [(f"t{n}", n) for n in range(8)]
    assert [answer["together"] for answer in answers] == [8] * 8
    assert sorted(batched_lib.calls[1]) == [f"t{number}" for number in range(8)]


@both_heads
@pytest.mark.parametrize("transport", ["native", "standard"])
@pytest.mark.parametrize(
    ("text", "status", "http_status", "told"),
    [
        ("bad", "INVALID_ARGUMENT", 400, "bad text"),
        ("exit", "INTERNAL", 500, "3"),
        ("cancelled", "INTERNAL", 500, "no more"),
        ("unspeakable", "INTERNAL", 500, "UnspeakableError was raised"),
    ],
)
def test_one_request_fails_alone(configure, head, transport, text, status, http_status, told):
    configure(transport=transport)
    with serve(head) as kit:
        answers = gathered(kit, [{"text": each} for each in ("a", text, "b")])
    assert [answers[0]["text"], answers[2]["text"]] == ["a", "b"]
    assert answers[1].args == (status if head == "grpc" else http_status, told)


@both_heads
def test_errors_among_the_results_are_those_of_their_requests(configure, head):
    configure()
    with serve(head) as kit:
        answers = gathered(kit, [{"text": text} for text in ("a", "refused", "b")])
    assert [answers[0]["together"], answers[2]["together"]] == [3, 3]
    assert answers[1].args == ("INTERNAL" if head == "grpc" else 500, "'refused'")
    assert len(batched_lib.calls) == 2


def test_results_that_do_not_fit_are_not_given_out(configure):
    configure()
    with serve("grpc") as kit:
        answers = gathered(kit, [{"text": text, "mode": "short"} for text in "abc"])
    assert [(answer["text"], answer["together"]) for answer in answers] == [(text, 0) for text in "abc"]


@both_heads
def test_lone_requests_are_run_at_once(configure, head):
    configure({"size": 16, "collect_delay_s": 5})
    with serve(head) as kit:
        begin = time.monotonic()
        for text in "abc":
            assert kit.call(text)["together"] == 0
        assert time.monotonic() - begin < 2


def test_batches_have_a_limit(configure):
    configure({"size": 3})
    with serve("grpc") as kit:
        answers = gathered(kit, [{"text": str(number)} for number in range(8)])
    assert sorted(answer["together"] for answer in answers) == [2, 2, 3, 3, 3, 3, 3, 3]


def test_a_batch_waits_for_those_that_came_last_time(configure):
    configure({"size": 16, "collect_delay_s": 0.5})
    with serve("grpc") as kit:
        gathered(kit, [{"text": str(number)} for number in range(6)])
        begin = time.monotonic()
        answers = together(kit, [{"text": str(number)} for number in range(6)])
        assert time.monotonic() - begin < 0.4
    assert [answer["together"] for answer in answers] == [6] * 6


@both_heads
def test_what_requests_leave_out_has_its_default(configure, head):
    configure()
    with serve(head) as kit:
        answers = gathered(kit, [{"text": "a"}, {"text": "b", "scale": 4.0}, {"text": "c"}])
    assert [(answer["together"], answer["scale"]) for answer in answers] == [(3, 1.5), (3, 4.0), (3, 1.5)]


def test_a_parameter_of_the_batch_is_the_same_for_all_in_it(configure):
    configure()
    modes = ["plain", "loud", "plain", "loud", "soft"]
    with serve("grpc") as kit:
        answers = gathered(kit, [{"text": f"{n}", "mode": mode} for n, mode in enumerate(modes)])
    assert [answer["mode"] for answer in answers] == [f"{mode} " for mode in modes]
    assert sorted(len(texts) for texts in batched_lib.calls[1:]) == [1, 2, 2]


def test_requests_that_do_not_fit_into_a_batch_are_run_alone(configure):
    configure()
    with serve("grpc") as kit:
        answers = gathered(kit, [{"text": "a", "alone": 1}, {"text": "b"}, {"text": "c"}])
        assert [answer["together"] for answer in answers] == [0, 2, 2]
        for model in ("other", "single"):
            answers = together(kit, [{"text": "a", "model": model}] * 3)
            assert [answer["mode"] for answer in answers] == [model] * 3
    assert max(map(len, batched_lib.calls)) == 2


def test_without_a_size_nothing_is_batched(configure):
    configure({"size": 0})
    gate = batched_lib.gates["a"] = threading.Event()
    with serve("grpc") as kit, ThreadPoolExecutor(1) as pool:
        answers = pool.submit(together, kit, [{"text": "a"}] * 4)
        kit.wait_for_workers(4)
        gate.set()
        assert {answer["together"] for answer in answers.result()} == {0}
    assert batched_lib.calls == [["a"]] * 4


def test_the_type_of_a_model_chooses_the_settings(configure, temp_config):
    configure({"size": 0})
    temp_config({"runtime": {"batching": {"standalone-model": {"size": 4}}}})
    with serve("grpc") as kit:
        assert {answer["together"] for answer in gathered(kit, [{"text": "a"}] * 4)} == {4}


@pytest.mark.parametrize("wrong", [{"size": "many"}, {"size": 2, "collect_delay_s": -1}])
def test_settings_that_make_no_sense(configure, wrong):
    configure(wrong)
    with pytest.raises(ValueError, match=r"runtime\.batching\.default\.(size|collect_delay_s): expected"):
        RuntimeGRPCServer()


def test_contexts_are_for_single_calls(configure):
    configure()
    with serve("http") as kit:
        assert kit.call("a", mode="context")["mode"] == "context Request"


def test_cancelled_requests_leave_the_line(configure):
    configure()
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        kit = Kit(server, partial(unary, channel))
        with held(kit):
            pending = [start(channel, str(number)) for number in range(4)]
            kit.wait_for_workers(5)
            pending[1].cancel()
            kit.wait_for_workers(4)
        assert [pending[number].result().together for number in (0, 2, 3)] == [3, 3, 3]
    assert "1" not in batched_lib.calls[1]


def test_the_others_get_their_results_when_the_first_is_cancelled(configure):
    configure()
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        kit = Kit(server, partial(unary, channel))
        with held(kit):
            gate = batched_lib.gates["0"] = threading.Event()
            pending = []
            for number in range(3):
                pending.append(start(channel, str(number)))
                kit.wait_for_workers(1 + len(pending))
        wait_until(lambda: len(batched_lib.calls) == 2)
        pending[0].cancel()
        time.sleep(0.05)
        gate.set()
        assert [call.result().together for call in pending[1:]] == [3, 3]
    assert batched_lib.interrupted == []


def test_a_batch_that_nobody_waits_for_is_interrupted(configure):
    configure()
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        kit = Kit(server, partial(unary, channel))
        with held(kit):
            batched_lib.gates["0"] = threading.Event()
            pending = [start(channel, str(number)) for number in range(3)]
            kit.wait_for_workers(4)
        wait_until(lambda: len(batched_lib.calls) == 2)
        for call in pending:
            call.cancel()
        wait_until(lambda: batched_lib.interrupted)
        kit.wait_for_workers(0)
        assert unary(channel, "after")["text"] == "after"


def test_a_deadline_ends_the_waiting(configure):
    configure({"size": 16, "collect_delay_s": 30})
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        kit = Kit(server, partial(unary, channel))
        with held(kit):
            late = start(channel, "late", timeout=0.4)
            others = [start(channel, str(number)) for number in range(2)]
            kit.wait_for_workers(4)
            assert late.exception(timeout=5).code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert {call.result().together for call in others} == {2}
        # The model is in demand, so the next batch would wait for a second request.
        assert unary(channel, "soon", timeout=5.0)["text"] == "soon"
    assert not any("late" in texts for texts in batched_lib.calls)


def test_streams_are_not_batched(configure):
    configure()
    with RuntimeHTTPServer() as server:
        url = f"http://127.0.0.1:{server.port}/api/v1/task/server-streaming-batched-echo"

        def call(text: str) -> str:
            body = {"model_id": "together", "inputs": text}
            return requests.post(url, json=body, timeout=10).text

        with ThreadPoolExecutor(4) as pool:
            texts = list(pool.map(call, "abcd"))
    assert all('"mode": "stream"' in text for text in texts)
    assert [len(texts) for texts in batched_lib.calls] == [1] * 4


def test_admission_counts_requests_not_batches(configure):
    configure(server_thread_pool_size=4, max_queued_requests=4)
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        gate = batched_lib.gates["hold"] = threading.Event()
        pending = [start(channel, "hold") for _ in range(20)]
        wait_until(lambda: sum(call.done() for call in pending) >= 10)
        gate.set()
        codes = [call.code() for call in pending]
    refused = codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert 10 <= refused <= 12
    assert codes.count(grpc.StatusCode.OK) == 20 - refused


def test_nothing_holds_on_to_an_unloaded_model(configure):
    configure()
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        store = SHARED_STORE.current
        assert store is not None
        with store.use("together") as model:
            known = weakref.ref(model)
        del model
        before = threading.active_count()
        gathered(Kit(server, partial(unary, channel)), [{"text": "a"}] * 4)
        store.unload("together")
        wait_until(lambda: gc.collect() >= 0 and known() is None)
        assert threading.active_count() <= before + 8
        assert server.port


def test_readiness_waits_for_the_models_of_the_start(configure):
    gate = batched_lib.gates["load"] = threading.Event()
    configure(wait_for_initial_model_loads=False)
    with RuntimeHTTPServer() as server:
        url = f"http://127.0.0.1:{server.port}"
        assert [requests.get(f"{url}/{path}", timeout=5).status_code for path in ("livez", "health")] == [
            200,
            200,
        ]
        wait_until(lambda: requests.get(f"{url}/readyz", timeout=5).text == "Loading 1 models")
        assert requests.get(f"{url}/readyz", timeout=5).status_code == 503
        gate.set()
        wait_until(lambda: requests.get(f"{url}/readyz", timeout=5).status_code == 200)
