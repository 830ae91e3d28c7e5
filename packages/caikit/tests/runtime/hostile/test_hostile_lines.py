"""Bodies of lines that do not behave, against a server process."""

from __future__ import annotations

import json
import random

import pytest

LINES = {"content-type": "application/x-ndjson"}
GREET = "/api/v1/task/client-streaming-greet"
ZIP = "/api/v1/task/bidi-streaming-zip-stream"


def lines(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def test_streams_of_the_library_are_served(server):
    status, body = server.request(
        "POST",
        GREET,
        lines({"model_id": "greeter", "inputs": {"name": "Ann"}}, {"inputs": {"name": "Bob"}}),
        LINES,
    )
    assert (status, json.loads(body)["text"]) == (200, "Hello Ann, Bob")
    pairs = [{"xs": 1.5, "names": "a"}, {"xs": 2.5, "names": "b"}]
    first = {"model_id": "zipper", "inputs": pairs[0], "parameters": {"sep": "="}}
    status, body = server.request("POST", ZIP, lines(first, {"inputs": pairs[1]}), LINES)
    texts = [json.loads(frame.partition(b"data: ")[2])["text"] for frame in body.split(b"\r\n\r\n") if frame]
    assert (status, texts) == (200, ["a=1.5", "b=2.5"])


@pytest.mark.parametrize(
    ("first", "status"),
    [
        ({"model_id": "nobody", "inputs": {"name": "Ann"}}, 404),
        ({"model_id": "../greeter", "inputs": {"name": "Ann"}}, 400),
        ({"model_id": "party", "inputs": {"name": "Ann"}}, 400),
        ({"model_id": 5, "inputs": {"name": "Ann"}}, 422),
        ({"model_id": "greeter"}, 400),
        ([], 422),
        (5, 422),
    ],
)
def test_first_lines_that_are_refused(server, first, status):
    got, body = server.request("POST", GREET, lines(first, {"inputs": {"name": "Bob"}}), LINES)
    assert got == status, body


@pytest.mark.parametrize("path", [GREET, ZIP])
def test_random_lines_do_no_harm(server, path):
    chance = random.Random(7)
    good = lines({"model_id": "greeter", "inputs": {"name": "Ann"}}, {"inputs": {"name": "Bob"}})
    for _ in range(40):
        data = bytearray(good * chance.randrange(1, 3))
        for _ in range(chance.randrange(1, 12)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        status, body = server.request("POST", path, bytes(data), LINES)
        assert status < 500, (data, body)
        assert b'"code": 5' not in body, (data, body)


@pytest.mark.parametrize("line", [b"[" * 100_000, b'"\xff"', b"9" * 100_000, b"\x00", b'{"inputs": ' * 5_000])
def test_odd_lines(server, line):
    first = lines({"model_id": "greeter", "inputs": {"name": "Ann"}})
    for body in (line, first + line):
        status, text = server.request("POST", GREET, body, LINES)
        assert status == 422, text
        assert len(text) < 10_000
