"""The id of a request: where it comes from, and where it is seen."""

from __future__ import annotations

import contextlib
import json
import re

import grpc
import pytest
import requests
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from caikit.runtime.grpc_server import RuntimeGRPCServer
from caikit.runtime.http_server import RuntimeHTTPServer

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"


def post(port, text="a", model="seer", task="see", headers=None):
    url = f"http://127.0.0.1:{port}/api/v1/task/{task}"
    return requests.post(url, json={"model_id": model, "inputs": text}, headers=headers, timeout=10)


GIVEN = [
    ({"x-request-id": "my id 1"}, "my id 1"),
    ({"traceparent": PARENT}, TRACE_ID),
    ({"x-request-id": "mine", "traceparent": PARENT}, "mine"),
    ({"x-request-id": "x" * 129, "traceparent": PARENT}, TRACE_ID),
]
REPLACED = [
    {"x-request-id": "x" * 129},
    {"x-request-id": "x" * 7000},
    {"traceparent": PARENT.upper()},
    {"traceparent": f"00-{'0' * 32}-b7ad6b7169203331-01"},
    {"traceparent": f"{PARENT}-{'x' * 500}"},
    {},
]
CASES = [*GIVEN, *((headers, None) for headers in REPLACED)]


def is_expected(request_id, expected) -> bool:
    return request_id == expected if expected else re.fullmatch("[0-9a-f]{32}", request_id) is not None


@pytest.mark.parametrize("transport", ["standard", "native"])
def test_http_answers_have_the_id(configure, transport):
    configure(transport=transport)
    with RuntimeHTTPServer() as server:
        for headers, expected in CASES:
            seen = set()
            for text, task in (("a", "see"), ("fail", "see"), ("a", "server-streaming-see"), ("a", "none")):
                seen.add(post(server.port, text, task=task, headers=headers).headers["x-request-id"])
            assert all(is_expected(request_id, expected) for request_id in seen)
            assert len(seen) == (1 if expected else 4)
        assert "x-request-id" in requests.get(f"http://127.0.0.1:{server.port}/health", timeout=5).headers


@pytest.mark.parametrize("transport", ["standard", "native"])
def test_grpc_answers_have_the_id(configure, calls, transport):
    configure(transport=transport)
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        for headers, expected in CASES:
            metadata = {name.replace("-", "_"): value for name, value in headers.items()}
            for text in ("a", "fail"):
                trailing = dict(calls.unary(channel, text, **metadata).trailing_metadata())
                assert is_expected(trailing["x-request-id"], expected)
        stream = calls.stream(channel, "a")
        assert len(list(stream)) == 3
        assert is_expected(dict(stream.trailing_metadata())["x-request-id"], None)


@pytest.mark.parametrize("transport", ["standard", "native"])
def test_calls_that_are_refused_have_an_id(configure, calls, transport):
    configure(transport=transport, grpc={"maximum_concurrent_rpcs": 1})
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        first = calls.stream(channel, "a", count=1000, pause=0.005)
        next(first)
        refused = calls.unary(channel, "a", x_request_id="mine")
        assert refused.code().name == "RESOURCE_EXHAUSTED"
        assert dict(refused.trailing_metadata())["x-request-id"] == "mine"
        first.cancel()
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary("/no.Such/Method")(b"", timeout=5)
        assert caught.value.code().name == "UNIMPLEMENTED"
        assert is_expected(dict(caught.value.trailing_metadata())["x-request-id"], None)


@pytest.mark.parametrize("transport", ["standard", "native"])
def test_health_and_reflection_have_an_id(configure, transport):
    configure(transport=transport)
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        health = health_pb2_grpc.HealthStub(channel)
        known = health_pb2.HealthCheckRequest()
        for metadata, expected in (([("x-request-id", "mine")], "mine"), ([], None)):
            _, call = health.Check.with_call(known, metadata=metadata, timeout=5)
            assert is_expected(dict(call.trailing_metadata())["x-request-id"], expected)
            with pytest.raises(grpc.RpcError) as caught:
                health.Check(health_pb2.HealthCheckRequest(service="none"), metadata=metadata, timeout=5)
            assert is_expected(dict(caught.value.trailing_metadata())["x-request-id"], expected)
            info = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo
            question = reflection_pb2.ServerReflectionRequest(list_services="")
            call = info(iter([question]), metadata=metadata, timeout=5)
            assert len(list(call)) == 1
            assert is_expected(dict(call.trailing_metadata())["x-request-id"], expected)


@pytest.mark.parametrize("transport", ["standard", "native"])
@pytest.mark.parametrize("text", ["metadata", "metadata and fail"])
def test_metadata_of_models_come_with_the_id(configure, calls, transport, text):
    configure(transport=transport)
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        call = calls.unary(channel, text, x_request_id="given")
        assert call.code().name == ("OK" if text == "metadata" else "INVALID_ARGUMENT")
        # Of two values with one name the last one counts.
        assert dict(call.trailing_metadata()).items() >= {"mine": "1", "x-request-id": "given"}.items()


def lines_of(program, channel: str) -> list[dict]:
    parsed = [json.loads(line) for line in program.lines if line.startswith("{")]
    return [line for line in parsed if line["channel"] == channel]


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_every_line_of_a_request_has_its_id(start_program, calls, protocol):
    import observed_lib  # noqa: F401 - its messages are sent

    program = start_program("-m", f"caikit.runtime.{protocol}_server", log={"formatter": "json"})
    port = program.port(protocol)
    if protocol == "http":
        post(port, "fail", headers={"x-request-id": "first"})
        post(port, "async", headers={"x-request-id": "second"})
        post(port, task="server-streaming-see", headers={"x-request-id": "third"})
        post(port, "a")
    else:
        from caikit.core.data_model.base import DataBase

        DataBase.get_class_for_name("Seen")
        service = "/caikit.runtime.ObservedLib.ObservedLibService"
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            for method, text, request_id in (
                ("SeeTaskPredict", b"\x0a\x04fail", "first"),
                ("SeeTaskPredict", b"\x0a\x05async", "second"),
                ("ServerStreamingSeeTaskPredict", b"\x0a\x01a", "third"),
                ("SeeTaskPredict", b"\x0a\x01a", None),
            ):
                metadata = [("mm-model-id", "seer")]
                if request_id:
                    metadata.append(("x-request-id", request_id))
                call = channel.unary_stream(f"{service}/{method}")(text, metadata=metadata, timeout=5)
                with contextlib.suppress(grpc.RpcError):
                    list(call)
                assert call.code().name == ("INVALID_ARGUMENT" if request_id == "first" else "OK")
    program.process.terminate()
    assert program.finish() == 0
    seen = [(line["request_id"], line["message"]) for line in lines_of(program, "OBSERVED")]
    assert seen[:2] == [("first", "run says fail"), ("first", "run says fail with a code")]
    assert ("second", "from a coroutine") in seen
    assert [each for each in seen if each[0] == "third"] == [("third", f"item {n}") for n in range(3)]
    assert len(seen[-1][0]) == 32
    (failure,) = lines_of(program, "GP-SERVICR-I")[-1:]
    assert failure["request_id"] == "first"
    others = [json.loads(line) for line in program.lines if "insecure" in line or "interrupt signal" in line]
    assert not any("request_id" in line for line in others)


def test_the_access_log_has_one_line_per_request(start_program):
    program = start_program(
        "-m", "caikit.runtime.http_server", log={"formatter": "json", "filters": "ACCESS:debug"}
    )
    port = program.port("http")
    post(port, headers={"x-request-id": "one"})
    post(port, "fail")
    post(port, task="server-streaming-see")
    post(port, model="u" * 5000)
    program.process.terminate()
    assert program.finish() == 0
    lines = lines_of(program, "ACCESS")
    shown = [(line["rpc_name"], line["status"], line["protocol"]) for line in lines]
    assert shown == [
        ("SeeTaskPredict", "OK", "http"),
        ("SeeTaskPredict", "INVALID_ARGUMENT", "http"),
        ("ServerStreamingSeeTaskPredict", "OK", "http"),
        ("SeeTaskPredict", "INVALID_ARGUMENT", "http"),
    ]
    assert lines[0]["request_id"] == "one"
    assert lines[0]["model_id"] == "seer"
    assert lines[2]["items"] == 3
    assert len(lines[3]["model_id"]) < 300
    for line in lines:
        assert line["log_code"] == "<RUN50530381D>"
        stages = [line[f"{stage}_ms"] for stage in ("queue", "decode", "run", "encode")]
        assert all(stage >= 0 for stage in stages)
        assert line["total_ms"] >= max(stages[1:])


def test_lines_to_read_begin_with_the_id(start_program):
    program = start_program("-m", "caikit.runtime.http_server", log={"formatter": "pretty"})
    port = program.port("http")
    post(port, headers={"x-request-id": "one"})
    program.process.terminate()
    assert program.finish() == 0
    told = [line for line in program.lines if "run says a" in line]
    assert told[0].endswith("] [one] run says a")
    assert told[1].endswith("<TST00000001I> [one] run says a with a code")
