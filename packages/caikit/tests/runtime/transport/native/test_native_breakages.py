"""What fails in the event loop ends its own request, and no other."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import grpc
import httpx
import pytest

from caikit.runtime.engine import Shape

PATH = "/tests.native.Service/"
BROKEN = "The server failed to make an answer"
HUGE = [(("abc", "x" * 2_000_000),), tuple((f"name{number}", "x") for number in range(30_000))]


def spoil_metadata(context) -> None:
    """Nobody can see that the trailers cannot be written before they are written."""
    value = bytearray(b"a")
    context.native.set_trailing_metadata((("spoilt", value),))
    value[:] = b"\n"


def spoil(context, body):
    spoil_metadata(context)
    if body == b"raise":
        raise ValueError("bad value")
    return body


def spoil_stream(context, body):
    yield b"first"
    yield spoil(context, body)


@pytest.mark.parametrize("body", [b"return", b"raise"])
@pytest.mark.parametrize("shape", [Shape.UNARY, Shape.SERVER_STREAM])
def test_answers_that_cannot_be_sent(native, kit, wait_until, shape, body):
    method = kit.Method(spoil if shape is Shape.UNARY else spoil_stream, shape)
    fine = kit.Method(lambda context, body: body)
    server = native(grpc={"Do": method, "Fine": fine}, maximum_concurrent_rpcs=1)
    with grpc.insecure_channel(server.target) as channel:
        for _ in range(2):
            with pytest.raises(grpc.RpcError) as caught:
                list(channel.unary_stream(PATH + "Do")(body, timeout=5))
            assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.INTERNAL, BROKEN)
            wait_until(lambda: server.server.running == 0)
        assert channel.unary_unary(PATH + "Fine")(b"a", timeout=5) == b"a"


@pytest.mark.parametrize("version", ["1.1", "2"])
@pytest.mark.parametrize("name", ["Initial", "Trailing"])
@pytest.mark.parametrize("metadata", HUGE, ids=["long", "many"])
def test_metadata_that_is_too_large_is_told_to_its_maker(native, kit, version, name, metadata):
    told = []

    def serve(context, body):
        send = (
            context.native.send_initial_metadata
            if name == "Initial"
            else context.native.set_trailing_metadata
        )
        with pytest.raises(ValueError, match="expected at most 1048576 bytes of metadata") as caught:
            send(metadata)
        told.append(str(caught.value))
        return body

    server = native(grpc={"Do": kit.Method(serve)})
    with httpx.Client(http1=version == "1.1", http2=version == "2", timeout=5) as client:
        answer = client.post(
            f"http://127.0.0.1:{server.port}{PATH}Do",
            content=b"\0\0\0\0\1a",
            headers={"content-type": "application/grpc-web+proto"},
        )
    assert answer.content.startswith(b"\0\0\0\0\1a\x80")
    assert b"grpc-status: 0\r\n" in answer.content
    assert len(told) == 1


@pytest.mark.parametrize("version", ["1.1", "2"])
def test_answers_over_grpc_web_that_cannot_be_sent(native, kit, version):
    server = native(grpc={"Do": kit.Method(spoil)})
    with httpx.Client(http1=version == "1.1", http2=version == "2", timeout=5) as client:
        answer = client.post(
            f"http://127.0.0.1:{server.port}{PATH}Do",
            content=b"\0\0\0\0\1a",
            headers={"content-type": "application/grpc-web+proto"},
        )
    assert (answer.status_code, answer.headers["grpc-status"]) == (200, "13")


def answers_in_loop(kit, serve):
    endpoint = kit.HttpEndpoint(serve)
    endpoint.loop_runs = SimpleNamespace(serve=lambda context, body, function: function(body) or True)
    return endpoint


def cannot_be_begun(kit, error=RuntimeError):
    def fail(context, body, function):
        raise error("no")

    endpoint = kit.HttpEndpoint(None)
    endpoint.loop_runs = SimpleNamespace(serve=fail)
    return endpoint


def fail(context, body):
    raise RuntimeError("no")


def test_requests_that_fail_in_the_loop_keep_no_other_waiting(native, kit):
    fine = kit.HttpEndpoint(lambda context, body: body.upper())
    server = native(http={"/fail": answers_in_loop(kit, fail), "/do": fine})
    one = b"POST /fail HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\na"
    last = b"POST /do HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 1\r\n\r\na"
    answer = server.exchange(one * 2 + last)
    assert answer.count(b"HTTP/1.1 503 ") == 2
    assert answer.endswith(b"\r\n\r\nA")


@pytest.mark.parametrize("error", [RuntimeError, ValueError])
def test_a_request_that_cannot_be_begun_is_told_so(native, kit, wait_until, error):
    server = native(http={"/broken": cannot_be_begun(kit, error)})
    one = b"POST /broken HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\na"
    answer = server.exchange(one * 2)
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert BROKEN.encode() in answer
    wait_until(lambda: server.server.running == 0)


def test_a_stream_that_cannot_be_begun_costs_no_other(native, kit, wait_until):
    release = threading.Event()

    def wait(context, body):
        release.wait(10)
        return body

    server = native(http={"/broken": cannot_be_begun(kit), "/wait": kit.HttpEndpoint(wait)})
    with server.speak() as client:
        client.request(1, "/wait", b"a")
        client.request(3, "/broken", b"a")
        assert client.answer(3) == ({"reset": "2"}, b"")
        release.set()
        assert client.answer(1)[1] == b"a"
    wait_until(lambda: server.server.running == 0)


def test_a_message_that_comes_slowly_is_no_silence(native, kit):
    server = native(
        grpc={"Do": kit.Method(lambda context, messages: b"".join(messages), Shape.CLIENT_STREAM)},
        stall_seconds=0.5,
    )
    with server.speak() as client:
        head = client.head(PATH + "Do", ("content-type", "application/grpc"))
        client.send(kit.frame(kit.HEADERS, kit.END_HEADERS, 1, head))
        client.send(kit.frame(kit.DATA, 0, 1, b"\0\0\0\0\1a" + b"\0\0\0\0\6"))
        for byte in b"bcdefg":
            time.sleep(0.25)
            client.send(kit.frame(kit.DATA, 0, 1, bytes([byte])))
        client.send(kit.frame(kit.DATA, kit.END_STREAM, 1))
        answer, body = client.answer(1)
    assert (answer["grpc-status"], body[5:]) == ("0", b"abcdefg")


def test_a_message_that_does_not_go_on_is_not_waited_for(native, kit):
    server = native(
        grpc={"Do": kit.Method(lambda context, messages: b"".join(messages), Shape.CLIENT_STREAM)},
        stall_seconds=0.3,
    )
    with server.speak() as client:
        head = client.head(PATH + "Do", ("content-type", "application/grpc"))
        client.send(kit.frame(kit.HEADERS, kit.END_HEADERS, 1, head))
        client.send(kit.frame(kit.DATA, 0, 1, b"\0\0\0\0\1a" + b"\0\0\0\0\6bc"))
        answer, _ = client.answer(1)
    assert answer["grpc-status"] == "4"
    assert "runtime.stream_stall_seconds" in answer["grpc-message"]
