"""What prometheus reads."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections import defaultdict

import grpc
import pytest
import requests
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from caikit.core import MODEL_MANAGER
from caikit.runtime._serving.metrics import PROCESS_METRICS
from caikit.runtime.engine import Kind, Observation, Observer, Operation, RequestContext, Shape, Status
from caikit.runtime.grpc_server import RuntimeGRPCServer
from caikit.runtime.http_server import RuntimeHTTPServer
from caikit.runtime.metrics import RequestMetrics

SERVICE = "caikit.runtime.ObservedLib.ObservedLibService"


class Scrape:
    def __init__(self) -> None:
        self.text = requests.get(f"http://127.0.0.1:{PROCESS_METRICS.port}/metrics", timeout=5).text
        self.types: dict[str, str] = {}
        self.samples: dict[str, float] = {}
        self.labels: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        for line in self.text.splitlines():
            if line.startswith("# TYPE"):
                _, _, name, kind = line.split()
                self.types[name] = kind
            elif not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                self.samples[name] = float(value)
                labels = tuple(re.findall(r'(\w+)="', name.partition("{")[2]))
                self.labels[name.partition("{")[0]].add(labels)

    def __call__(self, name: str, **labels: str) -> float:
        """A sample, 0 if there is none."""
        text = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
        found = [value for sample, value in self.samples.items() if _same(sample, name, text)]
        return found[0] if found else 0.0


def _same(sample: str, name: str, labels: str) -> bool:
    found, _, rest = sample.partition("{")
    return found == name and ",".join(sorted(re.findall(r'\w+="[^"]*"', rest))) == labels


def post(port, text="a", model="seer", task="see", **parameters):
    url = f"http://127.0.0.1:{port}/api/v1/task/{task}"
    body = {"model_id": model, "inputs": text, "parameters": parameters}
    return requests.post(url, json=body, timeout=10)


@pytest.fixture
def both(configure):
    configure()
    with RuntimeGRPCServer() as one, RuntimeHTTPServer() as two, one.make_local_channel() as channel:
        yield one, two, channel


CALL = ("code", "grpc_request", "model_id")
STAGE = ("grpc_request", "model_id")
METHOD = ("grpc_method", "grpc_service", "grpc_type")


@pytest.mark.parametrize(
    ("name", "kind", "labels"),
    [
        ("predict_rpc_count_total", "counter", CALL),
        ("predict_job_rpc_count_total", "counter", CALL),
        ("predict_from_proto_duration_seconds", "summary", STAGE),
        ("predict_caikit_library_duration_seconds", "summary", STAGE),
        ("predict_to_proto_duration_seconds", "summary", STAGE),
        ("rpc_in_progress_gauge", "gauge", ("rpc_name",)),
        ("total_loaded_models", "gauge", ("model_id", "model_type")),
        ("total_loaded_models_size", "gauge", ("model_type",)),
        ("load_model_duration_seconds", "summary", ("model_type",)),
        ("load_model_exception_count_total", "counter", ("model_type",)),
        ("caikit_core_load_model_duration_seconds", "summary", ("model_type",)),
        ("grpc_server_started_total", "counter", METHOD),
        ("grpc_server_handled_total", "counter", ("grpc_code", *METHOD)),
        ("grpc_server_msg_received_total", "counter", METHOD),
        ("grpc_server_msg_sent_total", "counter", METHOD),
        ("grpc_server_handling_seconds", "histogram", METHOD),
        ("grpc_server_handled_latency_seconds", "histogram", METHOD),
        ("caikit_request_duration_seconds", "histogram", ("protocol", "rpc_name")),
        ("caikit_request_stage_seconds", "histogram", ("protocol", "rpc_name", "stage")),
        ("caikit_requests_running", "gauge", ("protocol",)),
        ("caikit_requests_queued", "gauge", ("protocol",)),
        ("caikit_jobs", "gauge", ("kind", "state")),
        ("process_cpu_seconds_total", "counter", ()),
        ("python_info", "gauge", None),
    ],
)
def test_names_types_and_labels(both, calls, name, kind, labels):
    _, two, channel = both
    calls.unary(channel, "a")
    assert post(two.port, task="see/job").status_code == 200
    scrape = Scrape()
    assert scrape.types[name] == kind
    if labels is not None:
        suffix = {"histogram": "_count", "summary": "_count"}.get(kind, "")
        assert {tuple(sorted(found)) for found in scrape.labels[name + suffix]} == {tuple(sorted(labels))}


def test_any_path_serves_them(both):
    assert "predict_rpc_count" in requests.get(f"http://127.0.0.1:{PROCESS_METRICS.port}/x/y", timeout=5).text


def test_grpc_methods_count_calls_and_messages(both, calls):
    _, two, channel = both
    before = Scrape()
    calls.unary(channel, "a")
    calls.unary(channel, "fail")
    list(calls.stream(channel, "a", count=3))
    calls.bidi(channel, "a", "b")
    post(two.port)
    after = Scrape()

    def change(name, method, kind, **more):
        labels = {"grpc_service": SERVICE, "grpc_method": method, "grpc_type": kind, **more}
        return after(name, **labels) - before(name, **labels)

    for method, kind, calls_, received, sent in (
        ("SeeTaskPredict", "UNARY", 2, 2, 1),
        ("ServerStreamingSeeTaskPredict", "SERVER_STREAMING", 1, 1, 3),
        ("BidiStreamingSeeTaskPredict", "BIDI_STREAMING", 1, 2, 2),
    ):
        assert change("grpc_server_started_total", method, kind) == calls_
        assert change("grpc_server_msg_received_total", method, kind) == received
        assert change("grpc_server_msg_sent_total", method, kind) == sent
        assert change("grpc_server_handled_total", method, kind, grpc_code="OK") == 1
        for histogram in ("grpc_server_handling_seconds", "grpc_server_handled_latency_seconds"):
            assert change(f"{histogram}_count", method, kind) == calls_
            assert change(f"{histogram}_bucket", method, kind, le="+Inf") == calls_
    assert change("grpc_server_handled_total", "SeeTaskPredict", "UNARY", grpc_code="INVALID_ARGUMENT") == 1


def test_stages_are_measured_until_the_stream_has_ended(both, calls):
    _, two, channel = both
    before = Scrape()
    list(calls.stream(channel, "a", count=4, pause=0.02))
    post(two.port, task="server-streaming-see", count=2, pause=0.02)
    after = Scrape()

    def change(protocol, stage, sample="sum"):
        labels = {"protocol": protocol, "rpc_name": "ServerStreamingSeeTaskPredict", "stage": stage}
        name = f"caikit_request_stage_seconds_{sample}"
        return after(name, **labels) - before(name, **labels)

    for protocol, count in (("grpc", 4), ("http", 2)):
        assert change(protocol, "run") > 0.02 * count
        assert 0.02 < change(protocol, "first_item") < change(protocol, "run")
        for stage in ("queue", "decode", "run", "encode", "first_item"):
            assert change(protocol, stage, "count") == 1
    unary = {"protocol": "grpc", "rpc_name": "SeeTaskPredict", "stage": "first_item"}
    assert not after("caikit_request_stage_seconds_count", **unary)


def test_the_queue_is_measured(configure, calls, wait_until):
    configure(server_thread_pool_size=1, max_queued_requests=1)
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        before = Scrape()
        first = calls.stream(channel, "a", count=1000, pause=0.005)
        next(first)
        second = threading.Thread(target=calls.unary, args=(channel, "a"))
        second.start()
        wait_until(lambda: Scrape()("caikit_requests_queued", protocol="grpc") == 1)
        during = Scrape()
        assert during("caikit_requests_running", protocol="grpc") == 1
        assert during("rpc_in_progress_gauge", rpc_name="Predict") == 1
        first.cancel()
        second.join()
        labels = {"protocol": "grpc", "rpc_name": "SeeTaskPredict", "stage": "queue"}
        waited = [scrape("caikit_request_stage_seconds_sum", **labels) for scrape in (before, Scrape())]
    assert waited[1] - waited[0] > 0.005


@pytest.mark.parametrize("transport", ["standard", "native"])
def test_refusals_are_counted_by_reason(configure, calls, transport):
    configure(transport=transport, grpc={"maximum_concurrent_rpcs": 1}, http={"max_body_size": 2000})
    with (
        RuntimeGRPCServer() as server,
        RuntimeHTTPServer() as other,
        server.make_local_channel() as channel,
    ):
        before = Scrape()
        first = calls.stream(channel, "a", count=1000, pause=0.005)
        next(first)
        assert calls.unary(channel, "a").code().name == "RESOURCE_EXHAUSTED"
        first.cancel()
        with pytest.raises(grpc.RpcError):
            channel.unary_unary("/no.Such/Method")(b"", timeout=5)
        assert post(other.port, "a" * 5000).status_code == 413
        assert requests.get(f"http://127.0.0.1:{other.port}/none/{'x' * 50}", timeout=5).status_code == 404
        assert requests.delete(f"http://127.0.0.1:{other.port}/health", timeout=5).status_code == 405
        after = Scrape()
    for protocol, code, reason in (
        ("grpc", "RESOURCE_EXHAUSTED", "concurrency"),
        ("grpc", "UNIMPLEMENTED", "unknown_method"),
        ("http", "RESOURCE_EXHAUSTED", "too_large"),
        ("http", "NOT_FOUND", "unknown_method"),
        ("http", "UNIMPLEMENTED", "unknown_method"),
    ):
        labels = {"protocol": protocol, "code": code, "reason": reason}
        name = "caikit_requests_refused_total"
        assert after(name, **labels) - before(name, **labels) == 1, labels


@contextlib.contextmanager
def counted(wait_until, protocol, code, reason):
    """What is done is counted as one refusal."""
    labels = {"protocol": protocol, "code": code, "reason": reason}
    name = "caikit_requests_refused_total"
    before = Scrape()(name, **labels)
    yield
    wait_until(lambda: Scrape()(name, **labels) > before)
    assert Scrape()(name, **labels) == before + 1


@pytest.mark.parametrize("transport", ["standard", "native"])
def test_overload_is_counted_by_reason(configure, calls, transport, wait_until):
    configure(
        transport=transport, server_thread_pool_size=1, max_queued_requests=0, max_held_request_bytes=100_000
    )
    with (
        RuntimeGRPCServer() as server,
        RuntimeHTTPServer() as other,
        server.make_local_channel() as channel,
        contextlib.ExitStack() as stack,
    ):
        with counted(wait_until, "grpc", "RESOURCE_EXHAUSTED", "bytes_held"):
            assert calls.unary(channel, "x" * 300_000).code().name == "RESOURCE_EXHAUSTED"
        with counted(wait_until, "http", "RESOURCE_EXHAUSTED", "bytes_held"):
            assert post(other.port, "x" * 300_000).status_code == 503

        def occupy():
            """One in the worker, one in line."""
            first = calls.stream(channel, "a", count=10_000, pause=0.005)
            stack.callback(first.cancel)
            next(first)
            second = calls.stream(channel, "a", count=10_000, pause=0.005)
            stack.callback(second.cancel)
            wait_until(lambda: server.thread_pool.queued == 1)
            body = {"model_id": "seer", "inputs": "a", "parameters": {"count": 10_000, "pause": 0.005}}
            url = f"http://127.0.0.1:{other.port}/api/v1/task/server-streaming-see"
            reader = stack.enter_context(requests.post(url, json=body, timeout=10, stream=True))
            lines = reader.iter_lines()
            next(lines)
            stack.callback(lines.close)
            waiting = threading.Thread(target=post, args=(other.port,))
            waiting.start()
            stack.callback(waiting.join)
            stack.callback(reader.close)
            wait_until(lambda: other.thread_pool.queued == 1)

        occupy()
        with counted(wait_until, "grpc", "RESOURCE_EXHAUSTED", "queue_full"):
            assert calls.unary(channel, "a").code().name == "RESOURCE_EXHAUSTED"
        with counted(wait_until, "http", "RESOURCE_EXHAUSTED", "queue_full"):
            assert post(other.port).status_code == 429


@pytest.mark.parametrize("transport", ["standard", "native"])
def test_long_waits_and_late_requests_are_counted(configure, calls, transport, wait_until):
    configure(transport=transport, server_thread_pool_size=1, max_queue_seconds=0.1)
    with (
        RuntimeGRPCServer() as server,
        RuntimeHTTPServer() as other,
        server.make_local_channel() as channel,
    ):
        stream = calls.stream(channel, "a", count=10_000, pause=0.005)
        next(stream)
        body = {"model_id": "seer", "inputs": "a", "parameters": {"count": 10_000, "pause": 0.005}}
        url = f"http://127.0.0.1:{other.port}/api/v1/task/server-streaming-see"
        reader = requests.post(url, json=body, timeout=10, stream=True)
        lines = reader.iter_lines()
        next(lines)
        with counted(wait_until, "grpc", "RESOURCE_EXHAUSTED", "queue_time"):
            assert calls.unary(channel, "a").code().name == "RESOURCE_EXHAUSTED"
        with counted(wait_until, "http", "RESOURCE_EXHAUSTED", "queue_time"):
            assert post(other.port).status_code == 429
        server._lane.gate.drain()
        other._lane.gate.drain()
        with counted(wait_until, "grpc", "UNAVAILABLE", "shutdown"):
            assert calls.unary(channel, "a").code().name == "UNAVAILABLE"
        with counted(wait_until, "http", "UNAVAILABLE", "shutdown"):
            assert post(other.port).status_code == 503
        stream.cancel()
        reader.close()


@pytest.mark.parametrize("transport", ["standard", "native"])
def test_refusals_of_connections_are_counted(configure, transport, wait_until):
    configure(transport=transport, request_read_seconds=1, http={"server_config": {"limit_concurrency": 2}})
    with RuntimeHTTPServer() as server:

        def talk(*pieces: bytes) -> bytes:
            with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
                with contextlib.suppress(ConnectionError):
                    for piece in pieces:
                        client.sendall(piece)
                        # Pieces that come together count as one.
                        time.sleep(0.005)
                return client.recv(10_000)

        with counted(wait_until, "http", "DEADLINE_EXCEEDED", "too_slow"):
            assert talk(b"POST /x HTTP/1.1\r\nhost: x\r\n").startswith(b"HTTP/1.1 408")
        with counted(wait_until, "http", "RESOURCE_EXHAUSTED", "too_large"):
            lines = [b"a%d: %b\r\n" % (number, b"x" * 10_000) for number in range(20)]
            assert b" 431 " in talk(b"GET /x HTTP/1.1\r\nhost: x\r\n", *lines)
        with (
            counted(wait_until, "http", "UNAVAILABLE", "concurrency"),
            socket.create_connection(("127.0.0.1", server.port), timeout=5) as idle,
        ):
            idle.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
            assert idle.recv(10_000).startswith(b"HTTP/1.1 200")
            assert post(server.port).status_code == 503


@pytest.mark.parametrize("transport", ["standard", "native"])
def test_health_and_reflection_are_counted(configure, transport, wait_until):
    configure(transport=transport)
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        before = Scrape()
        health = health_pb2_grpc.HealthStub(channel)
        health.Check(health_pb2.HealthCheckRequest(), timeout=5)
        with pytest.raises(grpc.RpcError):
            health.Check(health_pb2.HealthCheckRequest(service="none"), timeout=5)
        watch = health.Watch(health_pb2.HealthCheckRequest(), timeout=20)
        next(watch)
        asked = threading.Event()

        def questions():
            yield reflection_pb2.ServerReflectionRequest(list_services="")
            asked.wait(10)

        info = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(questions(), timeout=20)
        next(info)

        def running(name):
            return Scrape()("rpc_in_progress_gauge", rpc_name=name)

        wait_until(lambda: running("Check") == 0)
        assert 'rpc_in_progress_gauge{rpc_name="Check"}' in Scrape().text
        assert (running("Watch"), running("ServerReflectionInfo")) == (1, 1)
        asked.set()
        assert list(info) == []
        watch.cancel()
        wait_until(lambda: (running("Watch"), running("ServerReflectionInfo")) == (0, 0))
        after = Scrape()
    for method, service, kind, code, count, received, sent in (
        ("Check", "grpc.health.v1.Health", "UNARY", "OK", 1, 2, 1),
        ("Check", "grpc.health.v1.Health", "UNARY", "NOT_FOUND", 1, 2, 1),
        ("Watch", "grpc.health.v1.Health", "SERVER_STREAMING", "CANCELLED", 1, 1, 1),
        ("ServerReflectionInfo", "grpc.reflection.v1alpha.ServerReflection", "BIDI_STREAMING", "OK", 1, 1, 1),
    ):
        labels = {"grpc_method": method, "grpc_service": service, "grpc_type": kind}
        for name, expected, more in (
            ("handled_total", count, {"grpc_code": code}),
            ("msg_received_total", received, {}),
            ("msg_sent_total", sent, {}),
        ):
            name = f"grpc_server_{name}"
            assert after(name, **labels, **more) - before(name, **labels, **more) == expected, (name, labels)


@pytest.mark.parametrize("transport", ["standard", "native"])
def test_callers_without_a_key_are_counted(configure, calls, transport):
    clients = {"ada": {"key": "k" * 40, "scopes": ["infer"]}}
    configure(transport=transport, security={"enabled": True, "clients": clients})
    with (
        RuntimeGRPCServer() as server,
        RuntimeHTTPServer() as other,
        server.make_local_channel() as channel,
    ):
        counts = [_refusals()]
        assert calls.unary(channel, "a").code().name == "UNAUTHENTICATED"
        assert post(other.port).status_code == 401
        counts.append(_refusals())
    for protocol in ("grpc", "http"):
        key = (protocol, "UNAUTHENTICATED", "access")
        assert counts[1][key] - counts[0].get(key, 0) == 1


def _refusals():
    (family,) = (each for each in PROCESS_METRICS.servers.collect() if each.name == "caikit_requests_refused")
    return {
        tuple(sample.labels[name] for name in ("protocol", "code", "reason")): sample.value
        for sample in family.samples
        if sample.name.endswith("_total")
    }


@pytest.mark.parametrize("transport", ["standard", "native"])
def test_gauges_return_to_zero_when_clients_walk_away(configure, calls, transport, wait_until):
    configure(transport=transport, server_thread_pool_size=3)
    with (
        RuntimeGRPCServer() as server,
        RuntimeHTTPServer() as other,
        server.make_local_channel() as channel,
    ):

        def start_streams() -> list[grpc.Call]:
            return [calls.stream(channel, "a", count=10_000, pause=0.005) for _ in range(3)]

        streams = start_streams()
        for stream in streams:
            next(stream)
        streams += start_streams()
        url = f"http://127.0.0.1:{other.port}/api/v1/task/server-streaming-see"
        body = {"model_id": "seer", "inputs": "a", "parameters": {"count": 10_000, "pause": 0.005}}
        readers = [requests.post(url, json=body, timeout=10, stream=True) for _ in range(3)]
        lines = [reader.iter_lines() for reader in readers]
        for of_reader in lines:
            next(of_reader)
        wait_until(lambda: Scrape()("caikit_requests_queued", protocol="grpc") == 3)
        during = Scrape()
        assert during("rpc_in_progress_gauge", rpc_name="Predict") == 6
        for protocol, waiting in (("grpc", 3), ("http", 0)):
            assert during("caikit_requests_running", protocol=protocol) == 3
            assert during("caikit_requests_queued", protocol=protocol) == waiting
        for stream in streams:
            stream.cancel()
        for reader in readers:
            reader.close()

        def is_quiet() -> bool:
            now = Scrape()
            gauges = [now("rpc_in_progress_gauge", rpc_name="Predict")]
            for name in ("caikit_requests_running", "caikit_requests_queued"):
                gauges += [now(name, protocol=protocol) for protocol in ("grpc", "http")]
            return gauges == [0.0] * 5

        wait_until(is_quiet, 10)


def test_models_and_their_loads(configure, tmp_path, calls):
    configure(lazy_load_local_models=True, load_new_local_models=False, lazy_load_poll_period_seconds=0)
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        before = Scrape()
        kind = {"model_type": "standalone-model"}
        assert before("total_loaded_models", model_id="seer", **kind) == 0
        calls.unary(channel, "a")
        broken = tmp_path / "models" / "broken"
        broken.mkdir()
        (broken / "config.yml").write_text("module_id: unknown\n")
        calls.unary(channel, "a", model="broken")
        after = Scrape()
        assert after("total_loaded_models", model_id="seer", **kind) == 1
        assert after("total_loaded_models", model_id="broken", **kind) == 0
        assert after("total_loaded_models_size", **kind) > 0
        for name in ("load_model_duration_seconds", "caikit_core_load_model_duration_seconds"):
            assert after(f"{name}_count", **kind) > before(f"{name}_count", **kind)
        assert after("load_model_exception_count_total", **kind) >= 1


def test_jobs_are_counted_by_state(both):
    _, two, _ = both
    before = Scrape()
    answer = post(two.port, task="see/job")
    MODEL_MANAGER.get_prediction_future(answer.json()["prediction_id"]).wait()
    url = f"http://127.0.0.1:{two.port}/api/v1/SeeTaskSeerTrain"
    training = requests.post(url, json={"model_name": "m", "parameters": {"text": "a"}}, timeout=5).json()
    MODEL_MANAGER.get_model_future(training["training_id"]).wait()
    after = Scrape()
    for kind in ("prediction", "training"):
        labels = {"kind": kind, "state": "COMPLETED"}
        assert after("caikit_jobs", **labels) - before("caikit_jobs", **labels) == 1


def test_clients_cannot_invent_time_series(both, calls):
    _, two, channel = both
    names = ["invented" * 20, "in\nvented", "../invented", 'invented"}']
    seen: list[set[str]] = []
    with requests.Session() as session:
        url = f"http://127.0.0.1:{two.port}/api/v1/task/see"
        for number in range(1000):
            body = {"model_id": f"{names[number % 4]}{number}", "inputs": "a"}
            assert session.post(url, json=body, timeout=5).status_code in (400, 404)
            if number in (7, 999):
                calls.unary(channel, "a", model=f"invented{number}")
                scrape = Scrape()
                assert "invented" not in scrape.text
                # Those of requests: jobs of other tests may come and go in this process.
                prefixes = ("predict_", "rpc_", "grpc_", "caikit_request")
                seen.append({name for name in scrape.samples if name.startswith(prefixes)})
    assert any("SeeTask" in name for name in seen[0])
    assert seen[1] == seen[0]


def make_observation(metrics: RequestMetrics, model_id: str, operation: Operation) -> None:
    observation = Observation(
        operation, RequestContext(headers={}, model_id=model_id), Observer(metrics.listener("grpc"))
    )
    observation.ended()


def test_labels_of_models_that_are_gone_do_not_pile_up():
    there: set[str] = set()
    metrics = RequestMetrics(there.__contains__)
    request = type("R", (), {})
    operation = Operation(
        name="Do",
        service="a.B",
        shape=Shape.UNARY,
        request=request,
        response=request,
        work=lambda context, arguments: None,
        kind=Kind.INFERENCE,
    )
    assert Status.OK.value == 0
    for generation in range(6):
        there.clear()
        for number in range(600):
            there.add(f"{generation}-{number}")
            make_observation(metrics, f"{generation}-{number}", operation)
        count = next(metric for metric in metrics.collect() if metric.name == "predict_rpc_count")
        samples = [sample for sample in count.samples if sample.name.endswith("_total")]
        assert 600 <= len(samples) <= 2001
        assert {f"{generation}-{number}" for number in range(600)} <= {s.labels["model_id"] for s in samples}
