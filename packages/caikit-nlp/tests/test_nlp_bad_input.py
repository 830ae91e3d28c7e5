"""Requests that no model can answer: the client is told what is wrong, with the status of a client's mistake."""

from __future__ import annotations

import time
from typing import Any

import grpc
import pytest
import requests

DOCUMENTS = [{"text": "a"}]
HUGE = "cats and dogs " * 720_000

BODIES: list[tuple[str, str, Any, dict[str, Any]]] = [
    ("embedding", "embedding", 7, {}),
    ("embedding", "embedding", None, {}),
    ("embedding", "embedding", ["a"], {}),
    ("embedding", "embedding", "a", {"truncate_input_tokens": "many"}),
    ("embedding", "embedding", "a", {"truncate_input_tokens": 2**70}),
    ("embedding", "embedding", "a", {"unheard_of": 1}),
    ("embedding", "embedding", HUGE, {}),
    ("embedding-tasks", "embedding", "a", {}),
    ("embedding-tasks", "embedding", [1], {}),
    ("embedding-tasks", "embedding", ["a", HUGE], {}),
    ("sentence-similarity", "embedding", {"source_sentence": "a"}, {}),
    ("sentence-similarity", "embedding", {"source_sentence": "a", "sentences": "b"}, {}),
    ("rerank", "embedding", {"query": "a", "documents": ["a"]}, {}),
    ("rerank", "embedding", {"query": 1, "documents": DOCUMENTS}, {}),
    ("rerank", "cross", {"query": "a", "documents": [{"text": 5}]}, {}),
    ("rerank", "cross", {"query": "a", "documents": DOCUMENTS}, {"top_n": "all"}),
    ("rerank", "cross", {"query": HUGE, "documents": DOCUMENTS}, {}),
    ("rerank-tasks", "cross", {"queries": "a", "documents": DOCUMENTS}, {}),
    ("text-classification", "classifier", {"text": "a"}, {}),
    ("token-classification", "spans", "a", {"threshold": "high"}),
    ("tokenization", "splitter", 5, {}),
    # The model is there, the task is not one of its own.
    ("embedding", "classifier", "a", {}),
    ("rerank", "splitter", {"query": "a", "documents": DOCUMENTS}, {}),
]


@pytest.mark.parametrize(
    ("route", "model", "inputs", "parameters"), BODIES, ids=lambda value: str(value)[:20]
)
def test_over_http(
    encoder_servers: Any, route: str, model: str, inputs: Any, parameters: dict[str, Any]
) -> None:
    began = time.process_time()
    answer = encoder_servers.post(route, model, inputs, **parameters)
    assert answer.status_code in (400, 404, 422), answer.text[:500]
    assert answer.json()["details"]
    # Servers run in this process, too: ten megabytes are parsed, not computed.
    assert time.process_time() - began < 4.0


@pytest.mark.parametrize("model_id", ["never-there", "../saved", "", "a/b", "embedding/..", "\u0000"])
def test_models_that_are_not_there(encoder_servers: Any, model_id: str) -> None:
    answer = encoder_servers.post("embedding", model_id, "a")
    assert answer.status_code in (400, 404), answer.text
    if not model_id.isprintable():
        return
    with pytest.raises(grpc.RpcError) as caught:
        encoder_servers.call("EmbeddingTaskPredict", model_id, text="a")
    assert caught.value.code().name in ("NOT_FOUND", "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"a"', b"\xff", b"[" * 100_000, b'{"inputs": NaN}']
)
def test_bodies_that_are_none(encoder_servers: Any, body: bytes) -> None:
    answer = requests.post(
        f"{encoder_servers.url}/api/v1/task/embedding",
        data=body,
        headers={"content-type": "application/json"},
        timeout=30,
    )
    assert 400 <= answer.status_code < 500, answer.text[:500]


def test_over_grpc(encoder_servers: Any) -> None:
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("EmbeddingTaskPredict", "embedding", {"text": HUGE[:3_000_000]}),
        ("RerankTaskPredict", "cross", {"query": "a", "documents": []}),
        ("RerankTasksPredict", "embedding", {"queries": [], "documents": []}),
        ("EmbeddingTaskPredict", "classifier", {"text": "a"}),
    ]
    for rpc, model, fields in calls:
        with pytest.raises(grpc.RpcError) as caught:
            encoder_servers.call(rpc, model, **fields)
        assert caught.value.code().name in ("INVALID_ARGUMENT", "NOT_FOUND"), caught.value


def test_empty_texts_are_texts(encoder_servers: Any) -> None:
    assert encoder_servers.post("embedding", "embedding", "").json()["input_token_count"] == 2
    assert encoder_servers.call("EmbeddingTaskPredict", "embedding", text="").input_token_count == 2
    assert encoder_servers.post("embedding-tasks", "embedding", []).json()["results"]["vectors"] in ([], None)
    many = encoder_servers.post("embedding-tasks", "embedding", ["", " \n"]).json()
    assert many["input_token_count"] == 4
    assert encoder_servers.post("tokenization", "splitter", "").json()["results"] in ([], None)
    assert encoder_servers.post("text-classification", "classifier", "").status_code == 200
    assert encoder_servers.post("token-classification", "spans", "").json() == {"results": []}
    inputs = {"query": "", "documents": [{"text": ""}, {"title": "no text"}]}
    for model in ("embedding", "cross"):
        found = encoder_servers.post("rerank", model, inputs, top_n=-1).json()["result"]["scores"]
        assert [each["text"] for each in found] == ["", ""]
