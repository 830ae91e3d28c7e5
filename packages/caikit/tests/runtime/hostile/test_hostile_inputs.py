from __future__ import annotations

import json
import random

import pytest
import wire

GREET = "/api/v1/task/greet"
BLOB = "/api/v1/task/blob"


def assert_refused(server, status, body, expected):
    assert status in expected, body
    text = body.decode()
    assert json.loads(text)["code"] == status
    assert "Traceback" not in text
    assert str(server.root) not in text
    server.assert_well()


def greet(inputs: bytes) -> bytes:
    return b'{"model_id":"greeter","inputs":' + inputs + b"}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        greet(b'{"name":"\xff"}'),
        greet(b'{"name":"\\ud800"}'),
        greet(b'{"name":1}'),
        greet(b'{"nam":"a"}'),
        greet(b'{"name":"a","age":1180591620717411303424}'),
        greet(b'{"name":"a","age":' + b"9" * 100_000 + b"}"),
        greet(b'{"name":"a","age":1e400}'),
        greet(b'{"name":"a","age":NaN}'),
        greet(b'{"name":"a","mood":77}'),
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        greet(b"[" * 100_000 + b"]" * 100_000),
    ],
    ids=range(19),
)
def test_wrong_json_is_the_clients_mistake(server, body):
    status, answer = server.post(GREET, body)

    assert_refused(server, status, answer, {422})


@pytest.mark.parametrize("depth", [150, 500, 900, 1100])
def test_deep_json_in_a_free_field_is_the_clients_mistake(server, depth):
    tree = b'{"a":' * depth + b"1" + b"}" * depth

    status, answer = server.post(BLOB, b'{"model_id":"blob","inputs":{"js":' + tree + b"}}")

    assert_refused(server, status, answer, {422})


@pytest.mark.parametrize(
    "body",
    [
        wire.greeting()[:-1],
        b"\x08\xff\xff",
        random.Random(7).randbytes(200),
        b"\x02\x00",
        b"\x0b",
        b"\x0c",
        b"\x0e\x00",
        b"\x0a\xff\xff\xff\xff\x0f",
        b"\x08" + b"\xff" * 11 + b"\x01",
        wire.greeting(b"\xff\xfe"),
        wire.greeting(b"\xed\xa0\x80"),
    ],
    ids=range(11),
)
def test_wrong_protobuf_is_the_clients_mistake(server, body):
    code, details = server.call("GreetTaskPredict", body)

    assert code == "INVALID_ARGUMENT"
    assert str(server.root) not in details
    server.assert_well()


def test_unknown_protobuf_fields_are_skipped(server):
    unknown = wire.block(999, b"zzz") + wire.integer(1000, 7)

    assert server.call("GreetTaskPredict", wire.greeting() + unknown) == ("OK", "")


@pytest.mark.parametrize(
    "timestamp",
    [
        wire.integer(1, 2**62),
        wire.integer(1, -(2**62)),
        wire.integer(1, 253_402_300_800),
        wire.integer(1, -62_135_596_801),
    ],
    ids=["far future", "far past", "year 10000", "year 0"],
)
def test_times_out_of_range_are_the_clients_mistake(server, timestamp):
    code, _ = server.call("BlobTaskPredict", wire.block(1, wire.block(21, timestamp)), "blob")

    assert code == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    "model_id",
    ["..", ".", "../models/greeter", "/etc", "./greeter", "greeter/", "a\\b", ".hidden", "x" * 3000],
)
def test_model_ids_are_names_and_no_paths(server, model_id):
    status, answer = server.post(GREET, {"model_id": model_id, "inputs": {"name": "Ann"}})
    code, _ = server.call("GreetTaskPredict", wire.greeting(), model_id)

    assert_refused(server, status, answer, {400})
    assert code == "INVALID_ARGUMENT"


def test_long_ids_keep_the_status(server):
    long_id = "x" * 50_000

    code, details = server.call(
        "/caikit.runtime.training.TrainingManagement/GetTrainingStatus", wire.block(1, long_id.encode())
    )
    status, answer = server.request("GET", f"/management/trainings?training_id={long_id}")

    assert code == "NOT_FOUND"
    assert len(details) < 8_000
    assert status == 404
    assert len(answer) < 8_000


def test_many_mistakes_in_one_body_cost_little(server):
    items = b",".join([b"1"] * 200_000)
    log_size = len(server.log())

    status, answer = server.post(GREET, greet(b'{"name":"a","tags":[' + items + b"]}"))

    assert_refused(server, status, answer, {422})
    assert len(server.log()) - log_size < 100_000
