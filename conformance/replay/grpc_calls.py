"""Sends recorded gRPC calls in recording order."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import grpc
from google.protobuf import json_format

from .answers import GrpcAnswer
from .follow_up import PATIENCE_SECONDS, PAUSE_SECONDS, FollowUp, is_too_early
from .golden import Record
from .protos import Method

Expect = Callable[[Record], list[GrpcAnswer]]
Compare = Callable[[list[GrpcAnswer], GrpcAnswer], list[str]]

_SECONDS = 30.0
# Calls that the recording describes in words.
_DEADLINES = {"deadline": 0.5}
_REQUESTS: dict[str, Any] = {"big-request": {"person": {"name": "x" * (5 << 20)}}}


def replay_grpc(
    target: str, methods: Mapping[str, Method], records: list[Record], expect: Expect, compare: Compare
) -> dict[str, list[str]]:
    """The differences of every record, by its name."""
    follow_up = FollowUp()
    outcome = {}
    with grpc.insecure_channel(target) as channel:
        for record in records:
            expected = expect(record)
            got = _ask_in_time(channel, methods[record["method"]], record, follow_up, expected[0])
            outcome[record["name"]] = compare(expected, got)
    return outcome


def _ask_in_time(
    channel: grpc.Channel, method: Method, record: Record, follow_up: FollowUp, expected: GrpcAnswer
) -> GrpcAnswer:
    content: Any = _REQUESTS.get(record["name"], record["request"])
    requests = [
        json_format.ParseDict(_fill_ids(one, follow_up), method.request()).SerializeToString()
        for one in (content if method.input_streaming else [content])
    ]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        got = _ask(channel, method, record, requests)
        if not is_too_early(_only(expected), _only(got)) or time.monotonic() > deadline:
            break
        time.sleep(PAUSE_SECONDS)
    if record["method"].endswith(("Train", "StartPredictionJob")) and record["code"] == "OK":
        follow_up.note(_only(got))
    return got


def _fill_ids(content: Any, follow_up: FollowUp) -> Any:
    if not isinstance(content, dict):
        return content
    return {
        key: follow_up.fill(key) if isinstance(value, str) and "<uuid>" in value else value
        for key, value in content.items()
    }


def _only(answer: GrpcAnswer) -> Any:
    """The content that says how far a job is."""
    return answer.responses[0] if answer.responses else {"details": answer.details}


def _ask(channel: grpc.Channel, method: Method, record: Record, requests: list[bytes]) -> GrpcAnswer:
    call = _open(channel, method, record, requests)
    responses: list[bytes] = []
    try:
        if method.output_streaming:
            responses.extend(call)
        else:
            responses.append(call.result())
    except grpc.RpcError:
        pass
    return GrpcAnswer(
        code=call.code().name,
        details=call.details() or "",
        responses=[_read(method, response) for response in responses],
        initial_metadata=_as_lists(call.initial_metadata()),
        trailing_metadata=_as_lists(call.trailing_metadata()),
    )


def _open(channel: grpc.Channel, method: Method, record: Record, requests: list[bytes]) -> Any:
    connectors: dict[tuple[bool, bool], Any] = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, False): channel.stream_unary,
        (True, True): channel.stream_stream,
    }
    connect = connectors[method.input_streaming, method.output_streaming]
    call = connect(record["method"], request_serializer=None, response_deserializer=None)
    return (call if method.output_streaming else call.future)(
        iter(requests) if method.input_streaming else requests[0],
        metadata=tuple(map(tuple, record["metadata"])),
        timeout=_DEADLINES.get(record["name"], _SECONDS),
    )


def _read(method: Method, response: bytes) -> Any:
    return json_format.MessageToDict(method.response.FromString(response), preserving_proto_field_name=True)


def _as_lists(metadata: Any) -> list[list[str]]:
    return [[key, value] for key, value in metadata or ()]
