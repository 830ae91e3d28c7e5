"""What must not leave the server, and what is cut on its way."""

from __future__ import annotations

import json
import threading

import pytest

from caikit.runtime.engine import Engine, Gate, Observer
from caikit.runtime.engine.byte_budget import ByteBudget
from caikit.runtime.engine.limits import DEFAULT_QUEUE_LIMIT
from caikit.runtime.heads.http import HttpHead


def refuse_constants(name):
    raise ValueError(f"{name} is no JSON")


@pytest.mark.parametrize("path", ["/task/numbers", "/task/compact", "/task/stream-numbers"])
async def test_answers_are_valid_json_whatever_the_numbers(client, path):
    response = await client.post(path, json={"model_id": "m", "inputs": "1 nan inf -inf 2.5"})
    text = response.text.partition("data: ")[2] if path.endswith("stream-numbers") else response.text
    assert json.loads(text, parse_constant=refuse_constants) == {
        "numbers": [1.0, "NaN", "Infinity", "-Infinity", 2.5],
        "label": "NaN is no number",
    }


async def test_finite_numbers_are_as_they_were(client):
    response = await client.post("/task/numbers", json={"model_id": "m", "inputs": "1 1e300"})
    assert response.text == '{"numbers": [1.0, 1e+300], "label": "NaN is no number"}'


async def test_pages(client):
    docs = await client.get("/docs")
    assert docs.status_code == 200
    assert (await client.get("/redoc")).text == docs.text


@pytest.mark.parametrize("encoding", ["gzip", "br", "x" * 10_000])
async def test_encoded_bodies_are_not_supported(client, encoding):
    headers = {"content-encoding": encoding, "content-type": "application/json"}
    response = await client.post("/task/show", content=b"{}", headers=headers)
    assert response.status_code == 415
    assert encoding[:100] in response.json()["detail"]
    assert len(response.content) < 5000


async def test_body_without_encoding(client):
    body = {"model_id": "m", "inputs": "a"}
    response = await client.post("/task/show", json=body, headers={"content-encoding": "Identity"})
    assert response.status_code == 200


async def test_huge_wrong_values_are_not_written_out(client):
    """What is shown of a value costs as much as what is shown, not as much as the value."""
    inputs = [[number] for number in range(5_000)]
    shown = (await client.post("/task/show", json={"model_id": "m", "inputs": inputs})).json()
    assert shown["additional_info"][0]["input"].startswith("[[0], [1], [2]")
    assert len(shown["additional_info"][0]["input"]) < 1010


async def test_long_texts_are_cut(client):
    long = "x" * 100_000
    for body in ({"model_id": "m", "inputs": long}, {"model_id": "m", "inputs": "value", long: 1}):
        response = await client.post("/task/fail", json=body)
        assert response.status_code >= 400
        assert len(response.content) < 10_000


async def test_not_more_issues_than_anybody_reads(client):
    unknown = {f"key{number}": 1 for number in range(5000)}
    for body in (
        {"model_id": "m", "inputs": "a", **unknown},
        {"model_id": "m", "inputs": "a", "parameters": unknown},
    ):
        response = await client.post("/task/show", json=body)
        assert response.status_code == 422
        assert 1 <= len(response.json()["additional_info"]) <= 100


async def test_overload_says_when_to_come_again(client, workers):
    release = threading.Event()
    for _ in range(workers.size):
        workers.submit(release.wait, 10)
    for _ in range(DEFAULT_QUEUE_LIMIT + 1):
        workers.submit(lambda: None)
    response = await client.post("/task/show", json={"model_id": "m", "inputs": "a"})
    release.set()
    assert (response.status_code, response.headers["retry-after"]) == (429, "1")
    assert "runtime.max_queued_requests" in response.json()["details"]


async def test_end_of_the_server_says_when_to_come_again(client, engine):
    engine.gate.drain()
    response = await client.post("/task/show", json={"model_id": "m", "inputs": "a"})
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")


async def test_too_many_large_bodies_are_told_to_come_again(workers, kit, open_client):
    gate = Gate(workers, bytes_held=ByteBudget(80_000))
    head = HttpHead(
        Engine(gate=gate, observer=Observer()), kit.operations, title="Tests", version="1", description=""
    )

    async def body(*lengths):
        for length in lengths:
            yield b" " * length
        yield b'{"model_id": "m", "inputs": "a"}'

    headers = {"content-type": "application/json"}
    async with open_client(head, workers, gate) as client:
        response = await client.post("/task/show", content=body(50_000, 45_000), headers=headers)
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert "runtime.max_held_request_bytes" in response.json()["details"]
        assert (
            await client.post("/task/show", content=body(50_000, 20_000), headers=headers)
        ).status_code == 200
    assert gate.bytes_held.held == 0


async def test_readiness(engine, workers, kit, open_client):
    obstacles = ["Loading 2 models", "Loading 1 models", None]
    head = HttpHead(
        engine, kit.operations, title="Tests", version="1", description="", find_obstacle=lambda: obstacles[0]
    )
    async with open_client(head, workers, engine.gate) as client:
        while obstacles[0] is not None:
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.text) == (503, obstacles.pop(0))
            for path in ("/livez", "/health"):
                assert (await client.get(path)).status_code == 200
        assert (await client.get("/readyz")).status_code == 200
        engine.gate.drain()
        assert (await client.get("/livez")).status_code == 200
        for path in ("/readyz", "/health"):
            assert (await client.get(path)).status_code == 503
