from __future__ import annotations

import socket
import threading
import time

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from caikit.runtime.engine import RequestError, Shape, Status
from caikit.runtime.transport.native import Limits
from caikit.runtime.transport.unix_listener import UnixListener

PATH = "/tests.native.Service/"


def upper(context, body):
    return body.upper()


def join(context, body):
    return b"".join(body)


def count(context, body):
    for number in range(int(body)):
        yield b"%d" % number


def echo(context, body):
    for message in body:
        if message == b"fail":
            raise ValueError("bad value")
        yield message


@pytest.fixture
def connect():
    """Channels, which end with the test."""
    channels = []

    def open_channel(server, **options) -> grpc.Channel:
        given = [("grpc.use_local_subchannel_pool", 1), *options.items()]
        channels.append(grpc.insecure_channel(server.target, options=given))
        return channels[-1]

    yield open_channel
    for channel in channels:
        channel.close()


def test_all_shapes(native, kit, connect):
    methods = {
        "Upper": kit.Method(upper),
        "Count": kit.Method(count, Shape.SERVER_STREAM),
        "Join": kit.Method(join, Shape.CLIENT_STREAM),
        "Echo": kit.Method(echo, Shape.BIDI, acknowledge=True),
    }
    channel = connect(native(grpc=methods))

    for _ in range(3):
        assert channel.unary_unary(PATH + "Upper")(b"abc", timeout=5) == b"ABC"
    assert channel.unary_unary(PATH + "Upper")(b"", timeout=5) == b""
    items = list(channel.unary_stream(PATH + "Count")(b"1000", timeout=5))
    assert items == [b"%d" % number for number in range(1000)]
    assert list(channel.unary_stream(PATH + "Count")(b"0", timeout=5)) == []
    assert channel.stream_unary(PATH + "Join")(iter([b"a", b"", b"c"]), timeout=5) == b"ac"
    assert channel.stream_unary(PATH + "Join")(iter([]), timeout=5) == b""
    call = channel.stream_stream(PATH + "Echo")(iter([b"a", b"b"]), timeout=5)
    assert ("acknowledgement", "ok") in call.initial_metadata()
    assert list(call) == [b"a", b"b"]
    call = channel.stream_stream(PATH + "Echo")(iter([b"a", b"fail"]), timeout=5)
    assert next(call) == b"a"
    with pytest.raises(grpc.RpcError) as raised:
        next(call)
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert raised.value.details() == "bad value"


def test_answers_may_come_between_questions(native, kit, connect):
    channel = connect(native(grpc={"Echo": kit.Method(echo, Shape.BIDI)}))
    asked = threading.Semaphore(1)

    def questions():
        for number in range(20):
            assert asked.acquire(timeout=5)
            yield b"%d" % number

    seen = []
    for answer in channel.stream_stream(PATH + "Echo")(questions(), timeout=10):
        seen.append(answer)
        asked.release()
    assert seen == [b"%d" % number for number in range(20)]


def test_the_context_is_that_of_grpc(native, kit, connect):
    seen = {}

    def serve(context, body):
        servicer = context.native
        seen["metadata"] = {key: value for key, value in servicer.invocation_metadata() if key[0] == "x"}
        seen["headers"] = context.headers["x-text"], context.headers["x-data-bin"]
        seen["time"] = servicer.time_remaining()
        seen["peer"] = servicer.peer()
        assert isinstance(servicer, grpc.ServicerContext)
        assert servicer.is_active()
        assert servicer.add_callback(ended.set)
        servicer.send_initial_metadata([("initial", "1")])
        servicer.set_trailing_metadata([("trailing", "2"), ("trailing-bin", b"\0\xff")])
        with pytest.raises(ValueError, match="printable"):
            servicer.set_trailing_metadata([("bad", "a\nb")])
        return body

    ended = threading.Event()
    channel = connect(native(grpc={"Do": kit.Method(serve)}))
    metadata = [("x-text", "some text"), ("x-data-bin", b"\xff\0\xfe"), ("x-text", "last")]
    answer, call = channel.unary_unary(PATH + "Do").with_call(b"a", metadata=metadata, timeout=5)

    assert answer == b"a"
    assert seen["metadata"] == {"x-text": "last", "x-data-bin": b"\xff\0\xfe"}
    assert seen["headers"] == ("last", b"\xff\0\xfe")
    assert 4 < seen["time"] < 5.1
    assert seen["peer"].startswith("ipv4:127.0.0.1:")
    assert ("initial", "1") in call.initial_metadata()
    trailing = dict(call.trailing_metadata())
    assert (trailing["trailing"], trailing["trailing-bin"]) == ("2", b"\0\xff")
    assert ended.wait(5)


def test_failures(native, kit, connect):
    def serve(context, body):
        match body:
            case b"unicode":
                raise RequestError(Status.NOT_FOUND, "gibt's nicht: 100 % ä\n€")
            case b"long":
                raise ValueError("ä" * 10_000)
            case b"abort":
                context.native.abort(grpc.StatusCode.DATA_LOSS, "aborted")
            case b"code":
                context.native.set_code(grpc.StatusCode.ABORTED)
                context.native.set_details("said so")
                return b""
        raise SystemExit("no")

    channel = connect(native(grpc={"Do": kit.Method(serve)}))

    def fail(body: bytes, path: str = "Do", **kwargs) -> tuple[str, str]:
        with pytest.raises(grpc.RpcError) as raised:
            channel.unary_unary(PATH + path)(body, timeout=5, **kwargs)
        return raised.value.code().name, raised.value.details()

    assert fail(b"unicode") == ("NOT_FOUND", "gibt's nicht: 100 % ä\n€")
    assert fail(b"long")[1].startswith("ää")
    assert fail(b"abort") == ("DATA_LOSS", "aborted")
    assert fail(b"code") == ("ABORTED", "said so")
    assert fail(b"exit") == ("INTERNAL", "no")
    assert fail(b"", "Nothing") == ("UNIMPLEMENTED", "Method not found!")
    many = channel.stream_unary(PATH + "Do")
    for messages, text in ((iter([]), "got none"), (iter([b"a", b"b"]), "got more")):
        with pytest.raises(grpc.RpcError, match=text) as raised:
            many(messages, timeout=5)
        assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_messages_of_any_size_and_compression(native, kit, connect):
    server = native(grpc={"Do": kit.Method(upper)}, longest_message=3_000_000)
    channel = connect(server, **{"grpc.max_receive_message_length": -1})
    call = channel.unary_unary(PATH + "Do")

    assert call(b"a" * 2_900_000, timeout=10) == b"A" * 2_900_000
    with pytest.raises(grpc.RpcError, match=r"larger than max \(3000001 vs. 3000000\)"):
        call(b"a" * 3_000_001, timeout=10)
    for kind in (grpc.Compression.Gzip, grpc.Compression.Deflate):
        assert call(b"a" * 100_000, compression=kind, timeout=10) == b"A" * 100_000
        with pytest.raises(grpc.RpcError, match="larger than max"):
            call(b"a" * 30_000_000, compression=kind, timeout=10)


def test_deadline_and_cancellation_reach_the_model(native, kit, connect, wait_until):
    ended = []

    def serve(context, body):
        while not context.cancel.cancelled:
            time.sleep(0.005)
        ended.append(body)
        context.cancel.raise_if_cancelled()

    server = native(grpc={"Do": kit.Method(serve), "Stream": kit.Method(echo, Shape.BIDI)})
    call = connect(server).unary_unary(PATH + "Do")
    with pytest.raises(grpc.RpcError) as raised:
        call(b"late", timeout=0.2)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    wait_until(lambda: ended == [b"late"])
    future = call.future(b"gone", timeout=5)
    time.sleep(0.1)
    future.cancel()
    wait_until(lambda: ended == [b"late", b"gone"])
    wait_until(lambda: server.server.running == 0)


def test_a_client_that_does_not_read_pauses_the_stream(native, kit, connect, wait_until):
    made = []

    def serve(context, body):
        try:
            while True:
                made.append(1)
                yield b"x" * 10_000
        finally:
            made.append("ended")

    items = connect(native(grpc={"Do": kit.Method(serve, Shape.SERVER_STREAM)})).unary_stream(PATH + "Do")(
        b""
    )
    next(items)
    time.sleep(0.3)
    number = len(made)
    time.sleep(0.3)
    assert len(made) == number < 10_000
    items.cancel()
    wait_until(lambda: made[-1] == "ended")


def test_a_model_that_does_not_read_pauses_the_client(native, kit, connect):
    go_on = threading.Event()
    sent = []

    def serve(context, body):
        next(body)
        assert go_on.wait(10)
        return b"%d" % sum(map(len, body))

    def messages():
        for _ in range(1000):
            sent.append(1)
            yield b"x" * 10_000

    channel = connect(native(grpc={"Do": kit.Method(serve, Shape.CLIENT_STREAM)}))
    future = channel.stream_unary(PATH + "Do").future(messages(), timeout=20)
    time.sleep(0.4)
    assert len(sent) < 200
    go_on.set()
    assert future.result() == b"%d" % (999 * 10_000)


def test_limits(native, kit, connect):
    release = threading.Event()

    def serve(context, body):
        release.wait(5)
        return b""

    server = native(
        grpc={"Do": kit.Method(serve), "Stream": kit.Method(join, Shape.CLIENT_STREAM)},
        maximum_concurrent_rpcs=2,
        read_seconds=0.4,
        stall_seconds=0.4,
        limits=Limits(read_seconds=0.4),
    )
    channel = connect(server)
    call = channel.unary_unary(PATH + "Do")
    running = [call.future(b"", timeout=5) for _ in range(2)]
    time.sleep(0.2)
    with pytest.raises(grpc.RpcError, match="Concurrent RPC limit exceeded!") as raised:
        call(b"", timeout=5)
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    check = channel.unary_unary("/grpc.health.v1.Health/Check")
    assert health_pb2.HealthCheckResponse.FromString(check(b"", timeout=5)).status == 1
    release.set()
    assert [future.result() for future in running] == [b"", b""]

    def silence():
        release.clear()
        release.wait(3)
        yield b""

    for name in ("Do", "Stream"):
        with pytest.raises(grpc.RpcError, match="no message came for") as raised:
            channel.stream_unary(PATH + name)(silence(), timeout=5)
        assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        release.set()
    assert server.server.running == 0


def test_health_and_reflection(native, kit, connect):
    server = native(grpc={"Do": kit.Method(upper)})
    channel = connect(server)
    answer = health_pb2.HealthCheckResponse.FromString

    def ask(service: str) -> bytes:
        return health_pb2.HealthCheckRequest(service=service).SerializeToString()

    check = channel.unary_unary("/grpc.health.v1.Health/Check", response_deserializer=answer)
    assert check(ask(""), timeout=5).status == check(ask("tests.native.Service"), timeout=5).status == 1
    with pytest.raises(grpc.RpcError) as raised:
        check(ask("nothing"), timeout=5)
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND
    list_all = reflection_pb2.ServerReflectionRequest(list_services="")
    for version in ("v1", "v1alpha"):
        reflect = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        (found,) = reflect(iter([list_all]), timeout=5)
        assert "tests.native.Service" in [each.name for each in found.list_services_response.service]
    watch = channel.unary_stream("/grpc.health.v1.Health/Watch", response_deserializer=answer)
    states = watch(ask(""), timeout=10)
    assert next(states).status == 1
    server.server.stop(5)
    assert next(states).status == 2
    with pytest.raises(grpc.RpcError):
        next(states)
    assert server.server.join(3)


def test_a_stop_ends_calls_that_run_too_long(native, kit, connect):
    def serve(context, body):
        end = time.monotonic() + float(body)
        while time.monotonic() < end and not context.cancel.cancelled:
            time.sleep(0.005)
        return b"done"

    server = native(grpc={"Do": kit.Method(serve)})
    call = connect(server).unary_unary(PATH + "Do")
    quick, slow = call.future(b"0.3", timeout=10), call.future(b"30", timeout=10)
    time.sleep(0.1)
    ended = server.server.stop(1)
    assert quick.result() == b"done"
    assert slow.code() is grpc.StatusCode.UNAVAILABLE
    assert "stopped" in slow.details()
    assert ended.wait(5)


def test_unix_sockets(native, kit, connect, tmp_path):
    def serve(context, body):
        return context.native.peer().encode()

    server = native(grpc={"Do": kit.Method(serve)}, unix=str(tmp_path / "socket"))

    assert connect(server).unary_unary(PATH + "Do")(b"", timeout=5).startswith(b"unix:")


def test_a_path_that_a_later_listener_has_taken_stays(tmp_path):
    path = tmp_path / "socket"
    with UnixListener(str(path), 1) as first:
        with pytest.raises(OSError, match="another server listens there"):
            UnixListener(str(path), 1)
        # Somebody tidies up, and a later listener finds the place free.
        path.unlink()
        with UnixListener(str(path), 1):
            first.close()
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
    assert not path.exists()
