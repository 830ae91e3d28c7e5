from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from caikit.runtime.engine import Gate, Shape, WorkerPool
from caikit.runtime.transport.grpcio import GrpcioTransport

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


class Method:
    acknowledge = False
    guard = None

    def __init__(self, serve: Any, shape: Shape = Shape.UNARY) -> None:
        self.shape = shape
        self._serve = serve

    def answer(self, context: Any, body: Any) -> Any:
        return self._serve(context, body)

    def stream(self, context: Any, body: Any) -> Any:
        yield from self._serve(context, body)


class Served:
    def __init__(self, method: Method, threads: int) -> None:
        self._workers = WorkerPool(threads)
        self.transport = GrpcioTransport({"/a.B/Do": method}, workers=self._workers, gate=Gate(self._workers))
        self.port = self.transport.listen("127.0.0.1:0")
        self.transport.start()

    def open(self) -> grpc.Channel:
        return grpc.insecure_channel(
            f"127.0.0.1:{self.port}",
            # A call that nobody has looked at may be sent again by grpcio itself: here, each failure shall show.
            options=[("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)],
        )

    def close(self) -> None:
        self.transport.stop(0).wait(5)
        self.transport.close()
        assert self._workers.close(5)


@contextlib.contextmanager
def served(method: Method, *, threads: int = 4) -> Iterator[Served]:
    with contextlib.closing(Served(method, threads)) as server:
        yield server


def failure(call: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call.result(timeout=10)
    return caught.value.code(), caught.value.details()


def test_clients_that_come_again_at_once_are_never_cancelled():
    outcomes: Counter[str] = Counter()
    over = threading.Event()

    def work(context: Any, body: bytes) -> bytes:
        time.sleep(0.005)
        return body

    def client(server: Served) -> None:
        with server.open() as channel:
            call: Any = channel.unary_unary("/a.B/Do")
            while not over.is_set():
                try:
                    call(b"", timeout=10)
                    outcomes["OK"] += 1
                except grpc.RpcError as error:
                    outcomes[error.code().name] += 1

    for _ in range(3):
        over.clear()
        with served(Method(work)) as server:
            threads = [threading.Thread(target=client, args=(server,)) for _ in range(8)]
            for thread in threads:
                thread.start()
            time.sleep(0.1)
            stopped = server.transport.stop(10)
            assert stopped.wait(10)
            over.set()
            for thread in threads:
                thread.join(10)
    assert set(outcomes) == {"OK", "UNAVAILABLE"}


def test_refusals_come_after_the_goodbye():
    release = threading.Event()
    started = threading.Event()

    def work(context: Any, body: bytes) -> bytes:
        started.set()
        return b"%d" % release.wait(10)

    with served(Method(work)) as server, server.open() as channel:
        first = channel.unary_unary("/a.B/Do").future(b"", timeout=10)
        assert started.wait(5)
        stopped = server.transport.stop(10)
        refused = [channel.unary_unary("/a.B/Do").future(b"", timeout=10) for _ in range(5)]
        assert {failure(call) for call in refused} == {(UNAVAILABLE, "The server is shutting down")}
        assert not stopped.is_set()
        # The client has been told to go: it connects again, and nobody listens.
        code, details = failure(channel.unary_unary("/a.B/Do").future(b"", timeout=10))
        assert code is UNAVAILABLE
        assert "shutting down" not in details
        release.set()
        assert first.result(timeout=10) == b"1"
        assert stopped.wait(5)


def test_calls_that_take_too_long_are_unavailable():
    started, release = threading.Event(), threading.Event()

    def work(context: Any, body: bytes) -> bytes:
        started.set()
        return b"%d" % release.wait(10)

    with served(Method(work), threads=1) as server, server.open() as channel:
        try:
            calls = [channel.unary_unary("/a.B/Do").future(b"", timeout=10) for _ in range(3)]
            assert started.wait(5)
            stopped = server.transport.stop(0.1)
            assert {failure(call)[0] for call in calls} == {UNAVAILABLE}
            assert stopped.wait(5)
        finally:
            release.set()


def test_a_second_stop_does_not_wait():
    started, gone = threading.Event(), threading.Event()

    def work(context: Any, body: bytes) -> bytes:
        context.cancel.on_cancel(gone.set)
        started.set()
        return b"%d" % gone.wait(10)

    with served(Method(work)) as server, server.open() as channel:
        call = channel.unary_unary("/a.B/Do").future(b"", timeout=10)
        assert started.wait(5)
        stopped = server.transport.stop(60)
        server.transport.stop(0)
        assert stopped.wait(5)
        assert failure(call)[0] is UNAVAILABLE
        assert gone.wait(5)


def test_watchers_do_not_hold_up_the_end():
    with served(Method(lambda context, body: body)) as server, server.open() as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=20)
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        stopped = server.transport.stop(20)
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        with pytest.raises(grpc.RpcError) as caught:
            next(watch)
        assert caught.value.code() is UNAVAILABLE
        assert stopped.wait(5)
