"""What requests note is counted once, whoever reads meanwhile."""

from __future__ import annotations

import threading

import pytest

from caikit.runtime.engine import (
    Codec,
    Engine,
    Gate,
    Kind,
    Observer,
    Operation,
    OperationFailed,
    RequestContext,
    Shape,
    WorkerPool,
)
from caikit.runtime.engine.histogram import SECONDS, Histogram
from caikit.runtime.metrics import RequestMetrics

CODEC = Codec(decode=lambda body, context: {"text": body.decode()}, encode=str.encode)


def make_operation(name, kind=Kind.INFERENCE):
    def work(context, arguments):
        if arguments["text"] == "bad":
            raise ValueError("bad")
        return arguments["text"]

    message = type("Message", (), {})
    return Operation(
        name=name,
        service="tests.Notes",
        shape=Shape.UNARY,
        request=message,
        response=message,
        work=work,
        kind=kind,
    )


def run(engine, operation, text="good"):
    return engine.run(operation, CODEC, RequestContext(headers={}, model_id="model"), text.encode())


def samples(metrics):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in metrics.collect()
        for sample in metric.samples
    }


@pytest.fixture
def metrics():
    return RequestMetrics(lambda model_id: model_id == "model")


@pytest.fixture
def engine(metrics):
    return Engine(gate=Gate(WorkerPool(1)), observer=Observer(metrics.listener("grpc")))


def test_nothing_is_lost_between_threads_that_count_and_read(engine, metrics):
    operations = [make_operation("OnePredict"), make_operation("OtherPredict")]
    done = threading.Event()
    seen = []

    def read():
        while not done.is_set():
            seen.append(samples(metrics).get(("rpc_in_progress_gauge", "Predict"), 0))

    def call():
        for number in range(700):
            run(engine, operations[number % 2])

    reader = threading.Thread(target=read)
    callers = [threading.Thread(target=call) for _ in range(4)]
    for thread in [reader, *callers]:
        thread.start()
    for thread in callers:
        thread.join()
    done.set()
    reader.join()
    found = samples(metrics)
    assert found["predict_rpc_count_total", "Message", "OK", "model"] == 2800
    assert found["grpc_server_started_total", "UNARY", "tests.Notes", "OnePredict"] == 1400
    assert found["caikit_request_duration_seconds_count", "grpc", "OtherPredict"] == 1400
    assert found["caikit_request_stage_seconds_bucket", "grpc", "OtherPredict", "run", "+Inf"] == 1400
    assert found["rpc_in_progress_gauge", "Predict"] == 0
    assert seen
    assert all(0 <= running <= len(callers) for running in seen)


def test_outcomes_are_counted_apart(engine, metrics):
    operation = make_operation("ApartPredict")
    for text in ("good", "bad", "good"):
        try:
            run(engine, operation, text)
        except OperationFailed:
            assert text == "bad"
    found = samples(metrics)
    assert found["predict_rpc_count_total", "Message", "OK", "model"] == 2
    assert found["predict_rpc_count_total", "Message", "INVALID_ARGUMENT", "model"] == 1
    assert found["predict_caikit_library_duration_seconds_count", "Message", "model"] == 3
    created = found["predict_rpc_count_created", "Message", "OK", "model"]
    assert created == found["grpc_server_started_created", "UNARY", "tests.Notes", "ApartPredict"]


def test_many_values_at_once_are_counted_as_one_by_one():
    values = [0.0, 1e-4, 1.1e-4, 0.25, 0.2500001, 59.9, 60.0, 1000.0, *SECONDS]
    one_by_one, at_once = Histogram(), Histogram()
    for value in values:
        one_by_one.add(value)
    at_once.add_all(values[:5])
    at_once.add_all(reversed(values[5:]))
    assert at_once.buckets() == one_by_one.buckets()
    assert at_once.sum == pytest.approx(one_by_one.sum)
