"""Encoders as services, over gRPC and over HTTP."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
import requests

LONG = "cats and dogs " * 20
TOO_LONG = (
    "Token sequence length (+2 for start/end tokens) exceeds the maximum sequence length for this model (16)"
)
EMBEDDER = {"name": "EmbeddingModule", "version": "0.0.1"}


def ok(response: Any) -> Any:
    assert response.status_code == 200, response.text
    return response.json()


def test_embedding(encoder_servers: Any) -> None:
    body = ok(encoder_servers.post("embedding", "embedding", "cats and dogs"))
    assert list(body) == ["result", "producer_id", "input_token_count"]
    values = body["result"]["data"]["values"]
    assert len(values) == 32
    assert (body["producer_id"], body["input_token_count"]) == (EMBEDDER, 5)
    found = encoder_servers.call("EmbeddingTaskPredict", "embedding", text="cats and dogs")
    assert found.result.WhichOneof("data") == "data_npfloat32sequence"
    assert list(found.result.data_npfloat32sequence.values) == pytest.approx(values, abs=1e-6)
    assert found.input_token_count == 5
    many = ok(encoder_servers.post("embedding-tasks", "embedding", ["cats and dogs", "a mouse"]))
    assert list(many) == ["results", "producer_id", "input_token_count"]
    assert [len(each["data"]["values"]) for each in many["results"]["vectors"]] == [32, 32]
    assert many["input_token_count"] == 9
    found = encoder_servers.call("EmbeddingTasksPredict", "embedding", texts=["cats and dogs", "a mouse"])
    assert len(found.results.vectors) == 2


def test_a_list_is_expected(encoder_servers: Any) -> None:
    response = encoder_servers.post("embedding-tasks", "embedding", {"texts": ["a"]})
    assert response.status_code == 422
    assert "Input should be a valid array" in response.text


def test_similarity(encoder_servers: Any) -> None:
    inputs = {"source_sentence": "cats", "sentences": ["cats", "a mouse"]}
    body = ok(encoder_servers.post("sentence-similarity", "embedding", inputs))
    assert body == {
        "result": {"scores": [pytest.approx(1.0, abs=1e-6), body["result"]["scores"][1]]},
        "producer_id": EMBEDDER,
        "input_token_count": 10,
    }
    found = encoder_servers.call("SentenceSimilarityTaskPredict", "embedding", **inputs)
    assert list(found.result.scores) == pytest.approx(body["result"]["scores"], abs=1e-6)
    inputs = {"source_sentences": ["cats", "a mouse"], "sentences": ["cats"]}
    body = ok(encoder_servers.post("sentence-similarity-tasks", "embedding", inputs))
    assert [len(each["scores"]) for each in body["results"]] == [1, 1]
    found = encoder_servers.call("SentenceSimilarityTasksPredict", "embedding", **inputs)
    assert [len(each.scores) for each in found.results] == [1, 1]


@pytest.mark.parametrize("model", ["embedding", "cross"])
def test_rerank(encoder_servers: Any, model: str) -> None:
    from google.protobuf import json_format, struct_pb2

    documents = [{"text": "one two"}, {"_text": "cats", "more": {"n": 7, "list": [1, "a"]}}]
    body = ok(encoder_servers.post("rerank", model, {"query": "cats", "documents": documents}))
    assert list(body) == ["result", "producer_id", "input_token_count"]
    assert list(body["result"]) == ["query", "scores"]
    scores = body["result"]["scores"]
    assert list(scores[0]) == ["document", "index", "score", "text"]
    assert sorted(score["index"] for score in scores) == [0, 1]
    assert all(score["document"] == documents[score["index"]] for score in scores)
    structs = [json_format.ParseDict(document, struct_pb2.Struct()) for document in documents]
    found = encoder_servers.call("RerankTaskPredict", model, query="cats", documents=structs)
    assert [score.index for score in found.result.scores] == [score["index"] for score in scores]
    assert [score.score for score in found.result.scores] == pytest.approx(
        [score["score"] for score in scores], abs=1e-6
    )
    inputs = {"queries": ["cats", "one"], "documents": documents}
    many = ok(
        encoder_servers.post(
            "rerank-tasks",
            model,
            inputs,
            top_n=1,
            return_queries=False,
            return_text=False,
            return_documents=False,
        )
    )
    assert [list(each) for each in many["results"]] == [["query", "scores"]] * 2
    for each in many["results"]:
        (score,) = each["scores"]
        assert (each["query"], score["document"], score["text"]) == (None, None, None)
    found = encoder_servers.call(
        "RerankTasksPredict", model, queries=["cats", "one"], documents=structs, top_n=1
    )
    assert [each.query for each in found.results] == ["cats", "one"]


@pytest.mark.parametrize("model", ["embedding", "cross"])
def test_tokens(encoder_servers: Any, model: str) -> None:
    assert ok(encoder_servers.post("tokenization", model, "a mouse")) == {
        "results": [{"start": 0, "end": 1, "text": "a"}, {"start": 2, "end": 7, "text": "mouse"}],
        "token_count": 4,
    }
    assert encoder_servers.call("TokenizationTaskPredict", model, text="a mouse").token_count == 4


def test_sentences(encoder_servers: Any) -> None:
    assert ok(encoder_servers.post("tokenization", "splitter", "Hello there.")) == {
        "results": [{"start": 0, "end": 12, "text": "Hello there."}],
        "token_count": None,
    }


def test_classes(encoder_servers: Any) -> None:
    body = ok(encoder_servers.post("text-classification", "classifier", "Hello there."))
    assert [each["label"] for each in body["results"]] == ["LABEL_0", "LABEL_1"]
    assert sum(each["score"] for each in body["results"]) == pytest.approx(1.0, abs=1e-6)
    found = encoder_servers.call("TextClassificationTaskPredict", "classifier", text="Hello there.")
    assert [each.score for each in found.results] == pytest.approx(
        [each["score"] for each in body["results"]], abs=1e-6
    )


def test_spans(encoder_servers: Any) -> None:
    body = ok(encoder_servers.post("token-classification", "spans", "Hello there.", threshold=0.5))
    (only,) = body["results"]
    assert only == {
        "start": 0,
        "end": 12,
        "word": "Hello there.",
        "entity": only["entity"],
        "entity_group": None,
        "score": pytest.approx(0.75, abs=0.25),
        "token_count": None,
    }
    assert ok(encoder_servers.post("token-classification", "spans", "Hello there.", threshold=1.1)) == {
        "results": []
    }
    found = encoder_servers.call(
        "TokenClassificationTaskPredict", "spans", text="Hello there.", threshold=0.5
    )
    assert [each.entity for each in found.results] == [only["entity"]]


def test_streamed_spans(encoder_servers: Any) -> None:
    text = "The dragon hoarded gold. The cow ate grass. What is happening? What a day!"
    request = encoder_servers.package.messages.BidiStreamingTokenClassificationTaskRequest

    def pieces() -> Iterator[Any]:
        for number, character in enumerate(text):
            yield request(text_stream=character, **({} if number else {"threshold": 0.5}))

    found = list(
        encoder_servers.stub.BidiStreamingTokenClassificationTaskPredict(
            pieces(), metadata=[("mm-model-id", "spans")], timeout=30
        )
    )
    assert [each.processed_index for each in found] == [24, 43, 62, 74]
    assert [text[each.results[0].start : each.results[0].end] for each in found] == [
        each.results[0].word for each in found
    ]
    assert {each.start_index for each in found} == {0}


def documents(*texts: str) -> list[dict[str, str]]:
    return [{"text": text} for text in texts]


REFUSED: list[tuple[str, str, Any, dict[str, Any], str]] = [
    ("embedding", "embedding", LONG, {}, f"{TOO_LONG}."),
    ("embedding", "embedding", LONG, {"truncate_input_tokens": 17}, f"{TOO_LONG}."),
    ("embedding-tasks", "embedding", ["a", LONG], {}, f"{TOO_LONG} for text at index: 1."),
    ("embedding-tasks", "embedding", [LONG, "a", LONG], {}, f"{TOO_LONG} for text at indexes: 0, 2."),
    (
        "rerank",
        "cross",
        {"query": "a", "documents": documents("a", LONG)},
        {},
        (
            "Token sequence length (+3 for separators) exceeds the maximum sequence length for this model (16) "
            "for text at index: 1."
        ),
    ),
    (
        "rerank",
        "embedding",
        {"query": "a", "documents": []},
        {},
        "Cannot rerank without a query and at least one document",
    ),
    (
        "rerank-tasks",
        "cross",
        {"queries": [], "documents": documents("a")},
        {},
        "Cannot rerank without a query and at least one document",
    ),
]


@pytest.mark.parametrize(("route", "model", "inputs", "parameters", "message"), REFUSED)
def test_refusals(
    encoder_servers: Any, route: str, model: str, inputs: Any, parameters: dict[str, Any], message: str
) -> None:
    response = encoder_servers.post(route, model, inputs, **parameters)
    assert response.status_code == 400
    assert response.json()["details"] == message


def test_a_refusal_over_grpc(encoder_servers: Any) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        encoder_servers.call("EmbeddingTaskPredict", "embedding", text=LONG)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == f"{TOO_LONG}."


def test_what_models_tell_about_themselves(encoder_servers: Any) -> None:
    for model in ("embedding", "cross", "splitter"):
        route = "embedding" if model == "embedding" else "tokenization"
        ok(encoder_servers.post(route, model, "a"))
    models = requests.get(f"{encoder_servers.url}/info/models", timeout=10).json()["models"]
    told = {each["name"]: each["metadata"] for each in models}
    assert told["embedding"] == {"max_seq_length": 16, "sentence_embedding_dimension": 32}
    assert told["cross"] == {"max_seq_length": 16}
    assert told["splitter"] == {}


def test_many_clients_at_once(encoder_servers: Any) -> None:
    texts = [f"{'cats ' * (number % 7)} and dogs {number % 5}" for number in range(48)]

    def one(text: str) -> list[float]:
        found = encoder_servers.call("EmbeddingTaskPredict", "embedding", text=text)
        return list(found.result.data_npfloat32sequence.values)

    expected = encoder_servers.call("EmbeddingTasksPredict", "embedding", texts=texts)
    with ThreadPoolExecutor(16) as pool:
        for found, vector in zip(pool.map(one, texts), expected.results.vectors, strict=True):
            assert found == pytest.approx(list(vector.data_npfloat32sequence.values), abs=1e-5)


def test_requests_that_share_a_batch(
    saved_encoders: Path, temp_config: Callable[[dict[str, Any]], None]
) -> None:
    """With batching, clients get what they get without, and one's mistake is that one's."""
    from caikit.runtime.http_server import RuntimeHTTPServer

    temp_config(
        {
            "runtime": {
                "local_models_dir": str(saved_encoders),
                "lazy_load_local_models": True,
                "http": {"port": 0, "host": "127.0.0.1"},
                "metrics": {"enabled": False},
                "batching": {"default": {"size": 16, "collect_delay_s": 0.05}},
            }
        }
    )
    with RuntimeHTTPServer() as server:
        url = f"http://127.0.0.1:{server.port}/api/v1/task/embedding"

        def one(text: str, limit: int) -> Any:
            body = {
                "model_id": "embedding",
                "inputs": text,
                "parameters": {"truncate_input_tokens": limit} if limit else {},
            }
            return requests.post(url, json=body, timeout=30)

        cases = list(itertools.product(["cats", "a mouse and dogs", LONG], [0, 2, -1]))
        alone = [one(*case) for case in cases]
        with ThreadPoolExecutor(12) as pool:
            together = list(pool.map(lambda case: one(*case), cases * 4))
    for case, found, expected in zip(cases * 4, together, alone * 4, strict=True):
        assert found.status_code == expected.status_code == (400 if case == (LONG, 0) else 200)
        if found.status_code == 200:
            assert found.json()["input_token_count"] == expected.json()["input_token_count"]
            assert found.json()["result"]["data"]["values"] == pytest.approx(
                expected.json()["result"]["data"]["values"], abs=1e-5
            )
        else:
            assert found.json()["details"] == f"{TOO_LONG}."
