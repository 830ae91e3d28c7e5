from __future__ import annotations

import threading
import time

import grpc
import pytest
import requests

from caikit.core import MODEL_MANAGER
from caikit.core.data_model.job import JobStatus
from caikit.runtime._serving.metrics import PROCESS_METRICS
from caikit.runtime.grpc_server import RuntimeGRPCServer
from caikit.runtime.http_server import RuntimeHTTPServer


def scrape() -> dict[str, float]:
    text = requests.get(f"http://127.0.0.1:{PROCESS_METRICS.port}/metrics", timeout=5).text
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def count_name(code: str, model: str) -> str:
    return f'predict_rpc_count_total{{code="{code}",grpc_request="WordsTaskRequest",model_id="{model}"}}'


def test_servers_of_a_process_share_models_and_metrics(configure, calls):
    configure()
    with RuntimeGRPCServer() as one, RuntimeHTTPServer() as two:
        before = scrape()
        with one.make_local_channel() as channel:
            assert calls.unary(channel, "a").text == "A"
            with pytest.raises(grpc.RpcError):
                calls.unary(channel, "a", model="invented")
        url = f"http://127.0.0.1:{two.port}/api/v1/task/words"
        for text in ("a", "fail"):
            requests.post(url, json={"model_id": "words", "inputs": text}, timeout=5)
        after = scrape()
    changes = {name: value - before.get(name, 0) for name, value in after.items()}
    assert changes[count_name("OK", "words")] == 2
    assert changes[count_name("INVALID_ARGUMENT", "words")] == 1
    assert changes[count_name("NOT_FOUND", "_unknown")] == 1
    assert not any("invented" in name for name in after)
    assert after['rpc_in_progress_gauge{rpc_name="Predict"}'] == 0
    labels = '{grpc_request="WordsTaskRequest",model_id="words"}'
    for stage in ("from_proto", "caikit_library", "to_proto"):
        assert changes[f"predict_{stage}_duration_seconds_count{labels}"] == 3
    assert "process_cpu_seconds_total" in after


def test_failures_of_a_model_that_exists_are_counted_as_its_own(configure, tmp_path):
    configure()
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        before = scrape()
        method = channel.unary_unary("/caikit.runtime.ServedLib.ServedLibService/WordsTaskPredict")
        with pytest.raises(grpc.RpcError):
            method(b"\xff", timeout=5, metadata=[("mm-model-id", "words")])
        name = count_name("INVALID_ARGUMENT", "words")
        assert scrape()[name] == before.get(name, 0) + 1


def test_second_server_goes_on_after_the_first_was_stopped(configure, calls):
    configure()
    with RuntimeGRPCServer() as one:
        with RuntimeHTTPServer():
            pass
        with one.make_local_channel() as channel:
            assert calls.unary(channel, "a").text == "A"
        assert PROCESS_METRICS.port is not None
    assert PROCESS_METRICS.port is None


def test_metrics_can_be_turned_off(configure):
    configure(metrics={"enabled": False})
    with RuntimeHTTPServer():
        assert PROCESS_METRICS.port is None


def test_stopped_servers_leave_no_threads(configure):
    configure()
    before = set(threading.enumerate())
    with RuntimeGRPCServer(), RuntimeHTTPServer() as server:
        requests.get(f"http://127.0.0.1:{server.port}/openapi.json", timeout=5)
    left = [
        thread.name
        for thread in set(threading.enumerate()) - before
        if thread.is_alive() and thread.name.startswith("caikit")
    ]
    assert left == []


def test_overload_of_grpc_is_refused_and_http_serves(configure, calls, wait_until):
    configure(server_thread_pool_size=1, max_queued_requests=0)
    with RuntimeGRPCServer() as one, RuntimeHTTPServer() as two, one.make_local_channel() as channel:
        running = [calls.unary(channel, "busy", future=True, spin=5.0) for _ in range(3)]
        wait_until(lambda: any(call.done() for call in running))
        url = f"http://127.0.0.1:{two.port}/api/v1/task/words"
        for _ in range(3):
            response = requests.post(url, json={"model_id": "words", "inputs": "a"}, timeout=5)
            assert response.json() == {"text": "A"}
        refused = next(call for call in running if call.done())
        assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "runtime.max_queued_requests" in refused.details()
        for call in running:
            call.cancel()


def test_overload_of_http_is_refused_and_grpc_serves(configure, calls, wait_until):
    configure(server_thread_pool_size=1, max_queued_requests=0, max_queue_seconds=0.3)
    with RuntimeGRPCServer() as one, RuntimeHTTPServer() as two, one.make_local_channel() as channel:
        url = f"http://127.0.0.1:{two.port}/api/v1/task/words"
        answers: list[requests.Response] = []

        def post(text: str, **parameters: float) -> None:
            content = {"model_id": "words", "inputs": text, "parameters": parameters}
            answers.append(requests.post(url, json=content, timeout=10))

        threads = [threading.Thread(target=post, args=("busy http",), kwargs={"spin": 1.5}) for _ in range(3)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answers) == 2)
        assert calls.unary(channel, "a").text == "A"
        assert requests.get(f"http://127.0.0.1:{two.port}/health", timeout=5).text == "OK"
        texts = {answer.json()["details"] for answer in answers}
        assert {answer.status_code for answer in answers} == {429}
        assert {answer.headers["retry-after"] for answer in answers} == {"1"}
        assert any("runtime.max_queued_requests" in text for text in texts)
        assert any("runtime.max_queue_seconds" in text for text in texts)
        for thread in threads:
            thread.join()


def test_each_server_has_its_number_of_workers(configure):
    configure(server_thread_pool_size=7, grpc={"server_thread_pool_size": 3})
    with RuntimeGRPCServer() as one, RuntimeHTTPServer() as two:
        assert (one.thread_pool.size, two.thread_pool.size) == (3, 7)


def test_trainings_are_cancelled_with_the_last_server(configure):
    configure()
    with RuntimeHTTPServer() as one:
        with RuntimeGRPCServer():
            url = f"http://127.0.0.1:{one.port}/api/v1/WordsTaskWordsModuleTrain"
            body = {"model_name": "endless", "parameters": {"text": "a", "spin": 30.0}}
            answer = requests.post(url, json=body, timeout=5).json()
            training = MODEL_MANAGER.get_model_future(answer["training_id"])
        assert training.get_info().status is JobStatus.RUNNING
        begin = time.monotonic()
    assert training.get_info().status is JobStatus.CANCELED
    assert time.monotonic() - begin < 3
