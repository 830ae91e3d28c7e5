from __future__ import annotations

import json

import grpc
import pytest
from google.protobuf import json_format

from caikit.runtime._serving.native import NativeGrpcTransport
from caikit.runtime.engine import Status
from caikit.runtime.heads.grpc import build_endpoints
from caikit.runtime.transport.grpcio import GrpcioTransport
from caikit.runtime.transport.native import GrpcService, Limits


@pytest.fixture
def channel(engine, workers, kit, transport):
    settings = {"workers": workers, "gate": engine.gate}
    endpoints = build_endpoints(engine, kit.operations)
    server = (
        NativeGrpcTransport(GrpcService(endpoints, **settings), limits=Limits())
        if transport == "native"
        else GrpcioTransport(endpoints, **settings)
    )
    port = server.listen("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    server.stop(0).wait(5)
    server.close()


@pytest.fixture
def call(channel, kit):
    def call(name: str, *requests, kind: str = "unary_unary", metadata=()):
        method = getattr(channel, kind)(
            f"/{kit.service}/{name}",
            request_serializer=lambda request: request.to_binary_buffer(),
            response_deserializer=kit.Answer.get_proto_class().FromString,
        )
        given = iter(requests) if kind.startswith("stream") else requests[0]
        return method(given, timeout=5, metadata=metadata)

    return call


def seen(answer):
    return json_format.MessageToDict(answer)["seen"]


def test_given_fields_become_arguments(call, kit):
    answer = call("Show", kit.Request(text="a", times=3), metadata=[("mm-model-id", "m")])
    assert seen(answer) == {"model": "m", "text": "a", "times": 3}


def test_the_model_id_may_be_missing(call, kit):
    assert seen(call("Show", kit.Request(text="a", times=None)))["model"] == ""


def test_streams(call, kit):
    assert [
        seen(answer) for answer in call("Count", kit.Request(text="a", times=2), kind="unary_stream")
    ] == [{"number": 0}, {"number": 1}]
    joined = call("Join", kit.Request(text="a"), kit.Request(text="b"), kind="stream_unary")
    assert seen(joined)["texts"] == ["a", "b"]
    echoed = call("Echo", kit.Request(text="a"), kit.Request(text="b"), kind="stream_stream")
    assert [seen(answer)["text"] for answer in echoed] == ["a", "b"]
    assert ("acknowledgement", "ok") in [tuple(pair) for pair in echoed.initial_metadata()]


def test_a_stream_that_its_model_ends_in_an_odd_way_is_no_complete_one(call, kit):
    answers = call("Count", kit.Request(text="exit", times=1), kind="unary_stream")
    assert seen(next(answers)) == {"number": 0}
    with pytest.raises(grpc.RpcError) as caught:
        next(answers)
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert caught.value.details() == "GeneratorExit was raised"


def test_stream_that_fails(call, kit):
    echoed = call("Echo", kit.Request(text="a"), kit.Request(text="fail"), kind="stream_stream")
    assert seen(next(echoed)) == {"text": "a"}
    with pytest.raises(grpc.RpcError) as caught:
        next(echoed)
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.INVALID_ARGUMENT, "bad value")


@pytest.mark.parametrize("status", [status.name for status in Status if status is not Status.OK])
def test_statuses(call, kit, status):
    with pytest.raises(grpc.RpcError) as caught:
        call("Fail", kit.Request(text=status))
    assert (caught.value.code().name, caught.value.details()) == (status, f"it was {status}")


@pytest.mark.parametrize(
    ("text", "code", "details"),
    [
        ("value", grpc.StatusCode.INVALID_ARGUMENT, "bad value"),
        ("other", grpc.StatusCode.INTERNAL, "'no key'"),
        ("assert", grpc.StatusCode.INTERNAL, "AssertionError was raised"),
        ("nothing", grpc.StatusCode.INVALID_ARGUMENT, "ValueError was raised"),
        ("unencodable", grpc.StatusCode.INTERNAL, "Could not serialize response"),
    ],
)
def test_failures(call, kit, text, code, details):
    with pytest.raises(grpc.RpcError) as caught:
        call("Fail", kit.Request(text=text))
    assert (caught.value.code(), caught.value.details()) == (code, details)


@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"\x0a\x05ab", b"\x0a\x02\xff\xfe", b"\x00" * 20])
def test_malformed_message_is_an_invalid_argument(channel, kit, body):
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(f"/{kit.service}/Show")(body, timeout=5)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details()


def test_malformed_message_in_a_stream(channel, kit):
    with pytest.raises(grpc.RpcError) as caught:
        channel.stream_unary(f"/{kit.service}/Join")(iter([b"\xff"]), timeout=5)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_empty_message(channel, kit):
    answer = channel.unary_unary(
        f"/{kit.service}/Show", response_deserializer=kit.Answer.get_proto_class().FromString
    )
    assert json.loads(json.dumps(seen(answer(b"", timeout=5))))["text"] == ""
