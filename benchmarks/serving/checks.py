"""Ask a server with a real client, grpcio or http.client, and look whether its answer is right.

What it answered is what every byte of the load is compared with.
"""

from __future__ import annotations

import http.client
import json
import sys
from pathlib import Path
from typing import Any

import grpc

sys.path.insert(0, str(Path(__file__).parents[1] / "peers"))

import answers  # found through the line above
import messages
from command_line import LONGEST_BODY, PATHS

from .load.plan import Call

ANSWER_TYPES = {
    "tiny": messages.Scores,
    "busy": messages.Scores,
    "vector": messages.Vector,
    "tokens": messages.Token,
    "device": messages.Shout,
}


class NotRightError(Exception):
    """A server gave no answer, or not that of the model."""


def checked_call(
    protocol: str,
    port: int,
    task: str,
    text: str,
    *,
    model: str = "",
    as_batch: bool = False,
    seconds: float = 10,
) -> Call:
    """`as_batch`: the server takes a list of inputs where others take one."""
    ask = _ask_http if protocol == "http" else _ask_grpc
    call, found = ask(port, task, text, model or task, as_batch, seconds)
    expected = expected_answer(task, text)
    if found != expected:
        raise NotRightError(f"expected {str(expected)[:200]}, got {str(found)[:200]}")
    return call


def expected_answer(task: str, text: str) -> Any:
    match task:
        case "vector":
            return answers.numbers(text)
        case "tokens":
            return list(answers.tokens(text))
        case "device":
            return text.upper()
        case _:
            return answers.scores(text)


def _ask_http(
    port: int, task: str, text: str, model: str, as_batch: bool, seconds: float
) -> tuple[Call, Any]:
    question = {"inputs": [text]} if as_batch else {"model_id": model, "inputs": text}
    body = json.dumps(question).encode()
    headers = {"content-type": "application/json", "accept": "*/*", "user-agent": "bench"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("POST", PATHS[task], body, headers)
        response = connection.getresponse()
        answer = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise NotRightError(f"HTTP status {response.status}: {answer[:200].decode(errors='replace')}")
    return Call(PATHS[task], tuple(headers.items()), body, answer), _from_json(task, answer, as_batch)


def _from_json(task: str, answer: bytes, as_batch: bool) -> Any:
    match task:
        case "vector":
            return json.loads(answer)["values"]
        case "tokens":
            events = [line.strip() for line in answer.splitlines() if line.startswith(b"data:")]
            return [json.loads(event.removeprefix(b"data:"))["text"] for event in events]
        case "device":
            return json.loads(answer)[0] if as_batch else json.loads(answer)["text"]
        case _:
            return [(each["label"], each["score"]) for each in json.loads(answer)["results"]]


def _ask_grpc(
    port: int, task: str, text: str, model: str, as_batch: bool, seconds: float
) -> tuple[Call, Any]:
    question = messages.Request(text=text).SerializeToString()
    with grpc.insecure_channel(
        f"127.0.0.1:{port}", options=[("grpc.max_receive_message_length", LONGEST_BODY)]
    ) as channel:
        method: Any = channel.unary_stream if task == "tokens" else channel.unary_unary
        call = method(messages.METHODS[task])
        metadata = (("mm-model-id", model),)
        try:
            answered = call(question, metadata=metadata, timeout=seconds)
            raw = list(answered) if task == "tokens" else [answered]
        except grpc.RpcError as error:
            raise NotRightError(f"{error.code()}: {error.details()}") from None
    headers = (("content-type", "application/grpc"), ("user-agent", "bench"), *metadata)
    wire = Call(messages.METHODS[task], headers, _framed(question), b"".join(map(_framed, raw)))
    return wire, _from_messages(task, [ANSWER_TYPES[task].FromString(each) for each in raw])


def _from_messages(task: str, received: list[Any]) -> Any:
    match task:
        case "vector":
            return list(received[0].values)
        case "tokens":
            return [each.text for each in received]
        case "device":
            return received[0].text
        case _:
            return [(each.label, each.score) for each in received[0].results]


def _framed(message: bytes) -> bytes:
    return b"\0" + len(message).to_bytes(4, "big") + message
