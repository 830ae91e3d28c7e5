from __future__ import annotations

import threading

import grpc
import pytest
import requests

from caikit.runtime._serving.metrics import PROCESS_METRICS
from caikit.runtime.grpc_server import RuntimeGRPCServer
from caikit.runtime.http_server import RuntimeHTTPServer


def scrape() -> dict[str, float]:
    text = requests.get(f"http://127.0.0.1:{PROCESS_METRICS.port}/metrics", timeout=5).text
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def count_name(code: str, model: str) -> str:
    return f'predict_rpc_count_total{{code="{code}",grpc_request="WordsTaskRequest",model_id="{model}"}}'


def test_servers_of_a_process_share_models_workers_and_metrics(configure, calls):
    configure()
    with RuntimeGRPCServer() as one, RuntimeHTTPServer() as two:
        assert one.thread_pool is two.thread_pool
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


def test_overload_is_refused_over_both(configure, calls, wait_until):
    configure(server_thread_pool_size=1, max_queued_requests=0)
    with RuntimeGRPCServer() as one, RuntimeHTTPServer() as two, one.make_local_channel() as channel:
        running = [calls.unary(channel, "busy", future=True, spin=5.0) for _ in range(3)]
        wait_until(lambda: any(call.done() for call in running))
        url = f"http://127.0.0.1:{two.port}/api/v1/task/words"
        response = requests.post(url, json={"model_id": "words", "inputs": "a"}, timeout=5)
        assert response.status_code == 429
        assert "runtime.max_queued_requests" in response.json()["details"]
        assert requests.get(f"http://127.0.0.1:{two.port}/health", timeout=5).text == "OK"
        refused = next(call for call in running if call.done())
        assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        for call in running:
            call.cancel()
