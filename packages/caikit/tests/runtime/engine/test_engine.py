from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from caikit.runtime.engine import (
    CancelToken,
    Codec,
    Engine,
    Gate,
    Kind,
    Observer,
    Operation,
    OperationFailed,
    RequestContext,
    Shape,
    Status,
    WorkerPool,
)

Request = type("Request", (), {})
CODEC = Codec(decode=lambda body, context: json.loads(body), encode=lambda value: json.dumps(value).encode())


class Counter:
    def __init__(self):
        self.events = []

    def started(self, observation):
        self.events.append("started")

    def finished(self, observation):
        self.events.append((observation.context.model_id, observation.status))


@pytest.fixture
def setting():
    counter = Counter()
    return SimpleNamespace(
        counter=counter, engine=Engine(gate=Gate(WorkerPool(1)), observer=Observer(counter))
    )


def operation(work, shape=Shape.UNARY):
    return Operation(
        name="Do",
        service="a.B",
        shape=shape,
        request=Request,
        response=Request,
        work=work,
        kind=Kind.INFERENCE,
    )


def context(token=None):
    return RequestContext(headers={}, model_id="m", cancel=token)


def test_unary(setting):
    answer = setting.engine.run(
        operation(lambda context, arguments: arguments["x"] + 1), CODEC, context(), b'{"x": 1}'
    )
    assert answer == b"2"
    assert setting.counter.events == ["started", ("m", Status.OK)]


def test_input_stream(setting):
    total = operation(lambda context, arguments: sum(item["x"] for item in arguments), Shape.CLIENT_STREAM)
    assert setting.engine.run(total, CODEC, context(), iter([b'{"x": 1}', b'{"x": 2}'])) == b"3"


def test_output_stream(setting):
    count = operation(lambda context, arguments: range(arguments["n"]), Shape.SERVER_STREAM)
    assert list(setting.engine.run_stream(count, CODEC, context(), b'{"n": 3}')) == [b"0", b"1", b"2"]
    assert setting.counter.events == ["started", ("m", Status.OK)]


def test_failures_are_counted_once_and_keep_their_cause(setting):
    def fail(context, arguments):
        raise ValueError("bad value")

    with pytest.raises(OperationFailed, match="bad value") as caught:
        setting.engine.run(operation(fail), CODEC, context(), b"{}")
    assert isinstance(caught.value.__cause__, ValueError)
    assert caught.value.failure.status is Status.INVALID_ARGUMENT
    assert setting.counter.events == ["started", ("m", Status.INVALID_ARGUMENT)]


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
def test_a_module_cannot_end_the_worker(setting, error):
    def leave(context, arguments):
        raise error

    with pytest.raises(OperationFailed):
        setting.engine.run(operation(leave), CODEC, context(), b"{}")


def test_body_that_cannot_be_decoded(setting):
    with pytest.raises(OperationFailed) as caught:
        setting.engine.run(operation(lambda context, arguments: None), CODEC, context(), b"{")
    assert caught.value.failure.status is Status.INVALID_ARGUMENT


def test_result_that_cannot_be_encoded(setting):
    with pytest.raises(OperationFailed, match="Could not serialize response") as caught:
        setting.engine.run(operation(lambda context, arguments: object()), CODEC, context(), b"{}")
    assert caught.value.failure.status is Status.INTERNAL
    assert "from the model, got object" in str(caught.value.__cause__.__cause__)


def test_item_that_cannot_be_encoded(setting):
    stream = setting.engine.run_stream(
        operation(lambda context, arguments: iter([1, object()]), Shape.SERVER_STREAM),
        CODEC,
        context(),
        b"{}",
    )
    assert next(stream) == b"1"
    with pytest.raises(OperationFailed, match="Could not serialize output in model response stream"):
        next(stream)


def test_result_that_is_no_stream(setting):
    with pytest.raises(OperationFailed, match="Expected a stream of results, got int"):
        list(
            setting.engine.run_stream(
                operation(lambda context, arguments: 5, Shape.SERVER_STREAM), CODEC, context(), b"{}"
            )
        )


def test_failure_knows_whether_items_were_being_produced(setting):
    def early(context, arguments):
        raise ValueError("bad value")

    def late(context, arguments):
        yield 1
        raise ValueError("bad value")

    for work, in_stream in ((early, False), (late, True)):
        with pytest.raises(OperationFailed) as caught:
            list(setting.engine.run_stream(operation(work, Shape.SERVER_STREAM), CODEC, context(), b"{}"))
        assert caught.value.failure.in_stream is in_stream


def test_closing_a_stream_closes_its_source(setting):
    events = []

    def source(context, arguments):
        try:
            yield from range(1000)
        finally:
            events.append("closed")

    stream = setting.engine.run_stream(operation(source, Shape.SERVER_STREAM), CODEC, context(), b"{}")
    next(stream)
    stream.close()
    assert events == ["closed"]
    assert setting.counter.events == ["started", ("m", Status.CANCELLED)]


def test_cancelled_work_never_starts(setting):
    token = CancelToken()
    token.cancel()
    with pytest.raises(OperationFailed) as caught:
        setting.engine.run(
            operation(lambda context, arguments: pytest.fail("was started")), CODEC, context(token), b"{}"
        )
    assert caught.value.failure.status is Status.CANCELLED


def test_cancelled_stream_stops_at_the_next_item(setting):
    token, produced = CancelToken(), []

    def source(context, arguments):
        for item in range(1000):
            produced.append(item)
            yield item

    stream = setting.engine.run_stream(operation(source, Shape.SERVER_STREAM), CODEC, context(token), b"{}")
    next(stream)
    token.cancel("late", Status.DEADLINE_EXCEEDED)
    with pytest.raises(OperationFailed) as caught:
        next(stream)
    assert caught.value.failure.status is Status.DEADLINE_EXCEEDED
    assert len(produced) == 2
