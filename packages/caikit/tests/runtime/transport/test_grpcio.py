from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from caikit.runtime.engine import Gate, RequestContext, RequestError, Shape, Status, WorkerPool
from caikit.runtime.engine.byte_budget import ByteBudget
from caikit.runtime.transport.grpcio import GrpcioTransport


@dataclass
class Endpoint:
    shape: Shape
    serve: Any
    acknowledge: bool = False
    guard: Any = None

    def answer(self, context, body):
        return self.serve(context, body)

    def stream(self, context, body):
        yield from self.serve(context, body)


class Server:
    def __init__(
        self,
        endpoints: dict[str, Endpoint],
        *,
        threads: int = 4,
        max_queued: int | None = 100,
        longest_wait: float | None = None,
        max_held_bytes: int | None = None,
        **kwargs: Any,
    ):
        self.workers = WorkerPool(threads, longest_wait=longest_wait)
        self.gate = Gate(self.workers, max_queued=max_queued, bytes_held=ByteBudget(max_held_bytes))
        self.transport = GrpcioTransport(endpoints, workers=self.workers, gate=self.gate, **kwargs)
        self.port = self.transport.listen("127.0.0.1:0")

    def __enter__(self) -> Server:
        self.transport.start()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        return self

    def __exit__(self, *args: object) -> None:
        self.channel.close()
        self.transport.stop(0).wait(5)
        self.transport.close()
        assert self.workers.close(5)

    def call(self, path: str, *args: Any, kind: str = "unary_unary", **kwargs: Any) -> Any:
        kwargs.setdefault("timeout", 10)
        return getattr(self.channel, kind)(path)(*args, **kwargs)


def wait_until(condition, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def test_unary_call():
    def serve(context: RequestContext, body: bytes) -> bytes:
        assert isinstance(context.native, grpc.ServicerContext)
        assert (context.time_remaining is None) == (body == b"for ever")
        return context.headers["who"].encode() + body

    with Server({"/a.B/Do": Endpoint(Shape.UNARY, serve)}) as server:
        answer = server.call("/a.B/Do", b"!", metadata=[("who", "x"), ("who", "me")])
        assert answer == b"me!"
        server.call("/a.B/Do", b"for ever", metadata=[("who", "x")], timeout=None)


def test_streams():
    def split(context, body: bytes) -> Iterator[bytes]:
        return (bytes([byte]) for byte in body)

    def join(context, messages: Iterator[bytes]) -> bytes:
        return b"".join(messages)

    def double(context, messages: Iterator[bytes]) -> Iterator[bytes]:
        return (message * 2 for message in messages)

    endpoints = {
        "/a.B/Split": Endpoint(Shape.SERVER_STREAM, split),
        "/a.B/Join": Endpoint(Shape.CLIENT_STREAM, join),
        "/a.B/Double": Endpoint(Shape.BIDI, double, acknowledge=True),
    }
    with Server(endpoints) as server:
        assert list(server.call("/a.B/Split", b"abc", kind="unary_stream")) == [b"a", b"b", b"c"]
        assert server.call("/a.B/Join", iter([b"a", b"", b"c"]), kind="stream_unary") == b"ac"
        call = server.call("/a.B/Double", iter([b"a", b"b"]), kind="stream_stream")
        assert list(call) == [b"aa", b"bb"]
        assert [tuple(pair) for pair in call.initial_metadata()] == [("acknowledgement", "ok")]


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.OK])
def test_failures_have_their_code(status):
    def serve(context, body):
        raise RequestError(status, f"it was {status.name}")

    endpoints = {"/a.B/Do": Endpoint(Shape.UNARY, serve), "/a.B/Many": Endpoint(Shape.SERVER_STREAM, serve)}
    with Server(endpoints) as server:
        with pytest.raises(grpc.RpcError) as caught:
            server.call("/a.B/Do", b"")
        assert (caught.value.code().name, caught.value.details()) == (status.name, f"it was {status.name}")
        with pytest.raises(grpc.RpcError) as caught:
            list(server.call("/a.B/Many", b"", kind="unary_stream"))
        assert caught.value.code().name == status.name


def test_stream_fails_after_items():
    def serve(context, body):
        yield b"1"
        raise ValueError("bad value")

    with Server({"/a.B/Many": Endpoint(Shape.SERVER_STREAM, serve)}) as server:
        call = server.call("/a.B/Many", b"", kind="unary_stream")
        assert next(call) == b"1"
        with pytest.raises(grpc.RpcError) as caught:
            next(call)
        assert (caught.value.code(), caught.value.details()) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "bad value",
        )


@pytest.mark.parametrize("text", ["x" * 100_000, "é" * 100_000, "bad \ud800 text"])
def test_details_fit_into_a_header(text):
    def serve(context, body):
        raise ValueError(text)

    with Server({"/a.B/Do": Endpoint(Shape.UNARY, serve)}) as server:
        with pytest.raises(grpc.RpcError) as caught:
            server.call("/a.B/Do", b"")
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert caught.value.details()[:2] == text[:2]


def test_unknown_method():
    with Server({}) as server, pytest.raises(grpc.RpcError) as caught:
        server.call("/a.B/Nope", b"")
    assert (caught.value.code(), caught.value.details()) == (
        grpc.StatusCode.UNIMPLEMENTED,
        "Method not found!",
    )


@pytest.mark.parametrize("way", ["cancel", "deadline", "disconnect"])
def test_end_of_the_call_cancels_the_token(way):
    started, statuses = threading.Event(), []

    def serve(context: RequestContext, body: bytes) -> bytes:
        gone = threading.Event()
        context.cancel.on_cancel(gone.set)
        started.set()
        assert gone.wait(5)
        with pytest.raises(RequestError) as caught:
            context.cancel.raise_if_cancelled()
        statuses.append(caught.value.status)
        return b""

    with Server({"/a.B/Do": Endpoint(Shape.UNARY, serve)}) as server:
        channel = grpc.insecure_channel(f"127.0.0.1:{server.port}")
        call = channel.unary_unary("/a.B/Do").future(b"", timeout=0.3 if way == "deadline" else 10)
        assert started.wait(5)
        if way == "cancel":
            call.cancel()
        elif way == "disconnect":
            channel.close()
        wait_until(lambda: statuses)
        channel.close()
    assert statuses == [Status.DEADLINE_EXCEEDED if way == "deadline" else Status.CANCELLED]


def test_abandoned_streams_leave_nothing_behind():
    running = []

    def endless(context, body):
        running.append(1)
        try:
            while True:
                yield b"x" * 100
        finally:
            running.pop()

    with Server({"/a.B/Many": Endpoint(Shape.SERVER_STREAM, endless)}, threads=2) as server:
        for _ in range(20):
            call = server.call("/a.B/Many", b"", kind="unary_stream")
            next(call)
            call.cancel()
        wait_until(lambda: not running)


def test_client_that_leaves_in_the_middle_of_its_input():
    started, ended, release = threading.Event(), threading.Event(), threading.Event()
    errors = []

    def join(context, messages):
        try:
            first = next(messages)
            started.set()
            return first + b"".join(messages)
        except RequestError as error:
            errors.append(error.status)
            raise
        finally:
            ended.set()

    def messages():
        yield b"1"
        release.wait(10)

    with Server({"/a.B/Join": Endpoint(Shape.CLIENT_STREAM, join)}) as server:
        call = server.channel.stream_unary("/a.B/Join").future(messages(), timeout=10)
        assert started.wait(5)
        call.cancel()
        assert ended.wait(5)
        release.set()
    # grpcio sometimes reports the end of the input before it reports the cancellation.
    assert errors in ([Status.CANCELLED], [])


def test_refusal_is_fast_and_names_the_key():
    release = threading.Event()
    endpoint = Endpoint(Shape.UNARY, lambda context, body: b"%d" % release.wait(10))
    with Server({"/a.B/Do": endpoint}, threads=1, max_queued=1) as server:
        calls = [server.channel.unary_unary("/a.B/Do").future(b"", timeout=10) for _ in range(6)]
        wait_until(lambda: any(call.done() for call in calls))
        assert (
            health_pb2_grpc.HealthStub(server.channel)
            .Check(health_pb2.HealthCheckRequest(), timeout=5)
            .status
            == health_pb2.HealthCheckResponse.SERVING
        )
        release.set()
        codes, texts = set(), set()
        for call in calls:
            codes.add(call.code().name)
            texts.add(call.details())
        assert codes == {"OK", "RESOURCE_EXHAUSTED"}
        assert any("runtime.max_queued_requests" in text for text in texts)


def test_concurrency_limit():
    started, release = threading.Event(), threading.Event()

    def serve(context, body):
        started.set()
        return b"%d" % release.wait(10)

    with Server({"/a.B/Do": Endpoint(Shape.UNARY, serve)}, maximum_concurrent_rpcs=1) as server:
        first = server.channel.unary_unary("/a.B/Do").future(b"", timeout=10)
        assert started.wait(5)
        with pytest.raises(grpc.RpcError) as caught:
            server.call("/a.B/Do", b"")
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert caught.value.details().startswith("Concurrent RPC limit exceeded!")
        assert "runtime.grpc.maximum_concurrent_rpcs" in caught.value.details()
        health = health_pb2_grpc.HealthStub(server.channel)
        assert health.Check(health_pb2.HealthCheckRequest(), timeout=5).status == 1
        release.set()
        assert first.result() == b"1"


def test_message_size_limit():
    endpoint = Endpoint(Shape.UNARY, lambda context, body: body)
    with Server({"/a.B/Do": endpoint}, options={"grpc.max_receive_message_length": 100}) as server:
        assert server.call("/a.B/Do", b"x" * 100) == b"x" * 100
        with pytest.raises(grpc.RpcError) as caught:
            server.call("/a.B/Do", b"x" * 101)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_health():
    with Server({"/a.B/Do": Endpoint(Shape.UNARY, lambda context, body: body)}) as server:
        stub = health_pb2_grpc.HealthStub(server.channel)
        for service in ("", "a.B"):
            answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError) as caught:
            stub.Check(health_pb2.HealthCheckRequest(service="nope"), timeout=5)
        assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.NOT_FOUND, "")


def test_health_turns_at_shutdown():
    started, release = threading.Event(), threading.Event()

    def serve(context, body):
        started.set()
        return b"%d" % release.wait(10)

    with Server({"/a.B/Do": Endpoint(Shape.UNARY, serve)}) as server:
        watch = health_pb2_grpc.HealthStub(server.channel).Watch(health_pb2.HealthCheckRequest(), timeout=10)
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        running = server.channel.unary_unary("/a.B/Do").future(b"", timeout=10)
        assert started.wait(5)
        stopped = server.transport.stop(5)
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert not stopped.is_set()
        release.set()
        assert running.result() == b"1"
        watch.cancel()
        assert stopped.wait(5)


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection(version):
    with Server({"/a.B/Do": Endpoint(Shape.UNARY, lambda context, body: body)}) as server:
        call = server.channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        requests = [
            reflection_pb2.ServerReflectionRequest(list_services=""),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol="grpc.health.v1.Health"),
        ]
        listed, found = call(iter(requests), timeout=5)
        names = [service.name for service in listed.list_services_response.service]
        assert names == ["a.B", "grpc.reflection.v1alpha.ServerReflection"]
        assert found.file_descriptor_response.file_descriptor_proto
    assert reflection_pb2_grpc.ServerReflectionStub


def test_calls_after_the_end_fail():
    with Server({"/a.B/Do": Endpoint(Shape.UNARY, lambda context, body: body)}) as server:
        assert server.call("/a.B/Do", b"1") == b"1"
        server.transport.stop(0).wait(5)
        with pytest.raises(grpc.RpcError) as caught:
            server.call("/a.B/Do", b"1")
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_address_in_use():
    with Server({}) as server:
        workers = WorkerPool(1)
        other = GrpcioTransport({}, workers=workers, gate=Gate(workers))
        with contextlib.closing(other), pytest.raises(RuntimeError, match=str(server.port)):
            other.listen(f"127.0.0.1:{server.port}")
