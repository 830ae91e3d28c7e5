"""Clients that are silent, and servers that are overrun."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from test_grpcio import Endpoint, Server, wait_until

from caikit.runtime.engine import Shape
from caikit.runtime.transport.grpcio import StallWatch

HASTY = {"read_seconds": 0.3, "stall_seconds": 0.3}


def silence(release: threading.Event) -> Iterator[bytes]:
    release.wait(10)
    yield from ()


def echo(context, body):
    return body if isinstance(body, bytes) else b"".join(body)


ENDPOINTS = {
    "/a.B/Unary": Endpoint(Shape.UNARY, echo),
    "/a.B/Out": Endpoint(Shape.SERVER_STREAM, lambda context, body: [body]),
    "/a.B/In": Endpoint(Shape.CLIENT_STREAM, echo),
    "/a.B/Both": Endpoint(Shape.BIDI, lambda context, messages: messages),
}


@pytest.mark.parametrize("path", list(ENDPOINTS))
def test_calls_without_a_message_do_not_hold_workers(path):
    release = threading.Event()
    with Server(ENDPOINTS, threads=2, stalls=StallWatch(**HASTY)) as server:
        silent = [server.channel.stream_stream(path)(silence(release), timeout=10) for _ in range(4)]
        assert server.call("/a.B/Unary", b"x", timeout=5) == b"x"
        codes = {call.code() for call in silent[:2]}
        release.set()
    assert codes == {grpc.StatusCode.CANCELLED}


def test_silent_health_checks_do_not_hold_the_probe():
    release = threading.Event()
    with Server(ENDPOINTS, stalls=StallWatch(**HASTY)) as server:
        for method in ("Check", "Watch") * 3:
            server.channel.stream_stream(f"/grpc.health.v1.Health/{method}")(silence(release), timeout=10)
        health = health_pb2_grpc.HealthStub(server.channel)
        assert health.Check(health_pb2.HealthCheckRequest(), timeout=5).status == 1
        release.set()


def test_many_watchers_of_the_health_need_no_threads():
    with Server(ENDPOINTS) as server:
        health = health_pb2_grpc.HealthStub(server.channel)
        watchers = [health.Watch(health_pb2.HealthCheckRequest(), timeout=10) for _ in range(5)]
        assert [next(watcher).status for watcher in watchers] == [1] * 5
        assert health.Check(health_pb2.HealthCheckRequest(), timeout=5).status == 1
        for watcher in watchers:
            watcher.cancel()


def test_call_that_sends_nothing_and_ends_is_told_so():
    with Server(ENDPOINTS) as server:
        for path in ("/a.B/Unary", "/a.B/Out"):
            call = server.channel.stream_stream(path)(iter(()), timeout=5)
            assert call.code() is grpc.StatusCode.UNIMPLEMENTED
            assert "exactly one" in call.details()


def test_stream_that_pauses_between_messages_goes_on():
    def slow() -> Iterator[bytes]:
        yield b"a"
        time.sleep(0.8)
        yield b"b"

    with Server(ENDPOINTS, stalls=StallWatch(**HASTY)) as server:
        call = server.channel.stream_stream("/a.B/Both")(slow(), timeout=10)
        assert list(call) == [b"a", b"b"]


@pytest.mark.parametrize("path", ["/a.B/In", "/a.B/Both"])
def test_streams_that_fall_silent_do_not_hold_workers_that_others_wait_for(path):
    release = threading.Event()

    def fall_silent() -> Iterator[bytes]:
        yield b"a"
        release.wait(10)

    with Server(ENDPOINTS, threads=2, stalls=StallWatch(**HASTY)) as server:
        silent = [server.channel.stream_stream(path)(fall_silent(), timeout=10) for _ in range(4)]
        assert server.call("/a.B/Unary", b"x", timeout=5) == b"x"
        codes = {read_to_the_end(call).code() for call in silent[:2]}
        release.set()
    assert codes == {grpc.StatusCode.CANCELLED}


def read_to_the_end(call):
    with pytest.raises(grpc.RpcError):
        list(call)
    return call


def test_stream_without_a_reader_frees_its_worker():
    started, ended = threading.Event(), threading.Event()

    def serve(context, body):
        started.set()
        try:
            while True:
                yield b"x" * 100_000
        finally:
            ended.set()

    endpoints = {**ENDPOINTS, "/a.B/Many": Endpoint(Shape.SERVER_STREAM, serve)}
    with Server(endpoints, threads=1, stalls=StallWatch(**HASTY)) as server:
        stream = server.channel.unary_stream("/a.B/Many")(b"", timeout=10)
        assert started.wait(5)
        assert server.call("/a.B/Unary", b"x", timeout=5) == b"x"
        assert ended.is_set()
        stream.cancel()


@pytest.mark.parametrize("path", list(ENDPOINTS))
def test_calls_that_wait_too_long_for_a_worker_are_refused(path):
    release, started = threading.Event(), threading.Event()

    def block(context, body):
        started.set()
        return b"%d" % release.wait(10)

    endpoints = {**ENDPOINTS, "/a.B/Block": Endpoint(Shape.UNARY, block)}
    with Server(endpoints, threads=1, longest_wait=0.2) as server:
        busy = server.channel.unary_unary("/a.B/Block").future(b"", timeout=10)
        assert started.wait(5)
        call = server.channel.stream_stream(path)(iter([b"x"]), timeout=10)
        assert call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "runtime.max_queue_seconds" in call.details()
        release.set()
        assert busy.result() == b"1"
        wait_until(lambda: server.transport.running == 0)


@pytest.mark.parametrize(
    "method",
    [
        "grpc.health.v1.Health/Check",
        "grpc.health.v1.Health/Watch",
        "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ],
)
def test_malformed_bytes_for_the_services_of_grpc(method):
    with Server(ENDPOINTS) as server:
        call = server.channel.stream_stream(f"/{method}")(iter([b"\xff\xff"]), timeout=5)
        assert call.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "malformed" in call.details()


@pytest.mark.parametrize("path", ["/a.B/Unary", "/a.B/Out"])
def test_large_messages_are_bounded_in_sum(path):
    release, started = threading.Event(), threading.Event()

    def hold(context, body):
        started.set()
        release.wait(10)
        return [body] if path.endswith("Out") else body

    shape = Shape.SERVER_STREAM if path.endswith("Out") else Shape.UNARY
    with Server({path: Endpoint(shape, hold)}, max_held_bytes=1_000_000) as server:
        call = server.channel.stream_stream(path)
        first = call(iter([b"x" * 700_000]), timeout=10)
        assert started.wait(5)
        second = call(iter([b"x" * 400_000]), timeout=10)
        assert second.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "runtime.max_held_request_bytes" in second.details()
        release.set()
        assert [len(answer) for answer in first] == [700_000]
        assert [len(answer) for answer in call(iter([b"x" * 900_000]), timeout=10)] == [900_000]
        wait_until(lambda: server.gate.bytes_held.held == 0)


class OddError(Exception):
    def code(self):
        raise GeneratorExit


@pytest.mark.parametrize("error", [OddError, GeneratorExit, SystemExit])
def test_no_error_leaves_a_call_without_an_answer(error):
    def fail(context, body):
        raise error

    with Server({"/a.B/Unary": Endpoint(Shape.UNARY, fail)}) as server:
        with pytest.raises(grpc.RpcError) as caught:
            server.call("/a.B/Unary", b"x", timeout=5)
        assert caught.value.code() is grpc.StatusCode.INTERNAL
