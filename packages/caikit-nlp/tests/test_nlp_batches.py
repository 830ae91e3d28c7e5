"""Requests that come at the same time are computed together, and each gets what it would get alone."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import requests

from caikit_nlp.modules.text_embedding import EmbeddingModule
from caikit_nlp.toolkit._batches import compute_in_batches
from caikit_nlp.toolkit._tokens import Encoded

CLIENTS = 16
LONG = "cats and dogs " * 20


def encoded(length: int, start: int = 0) -> Encoded:
    return Encoded(tuple(range(start, start + length)), (0,) * length, False)


@pytest.mark.parametrize(
    ("size", "most_tokens", "shapes"),
    [
        (32, 0, [(5, 9)]),
        (2, 0, [(2, 9), (2, 3), (1, 1)]),
        (32, 18, [(2, 9), (3, 3)]),
        (32, 9, [(1, 9), (2, 4), (2, 2)]),
        (32, 1, [(1, 9), (1, 4), (1, 3), (1, 2), (1, 1)]),
        (1, 1000, [(1, 9), (1, 4), (1, 3), (1, 2), (1, 1)]),
    ],
)
def test_batches_keep_to_the_budget(size: int, most_tokens: int, shapes: list[tuple[int, int]]) -> None:
    computed: list[tuple[int, int]] = []

    def compute(features: Any) -> Any:
        computed.append(features["input_ids"].shape)
        return features["attention_mask"].sum(axis=1, keepdims=True).astype(np.float32)

    texts = [encoded(length, 100 * length) for length in (3, 1, 9, 2, 4)]
    rows = compute_in_batches([*texts, texts[0]], size, 0, compute, most_tokens=most_tokens)
    assert rows[:, 0].tolist() == [3, 1, 9, 2, 4, 3]
    assert computed == shapes


def test_a_budget_changes_no_vector(
    saved_encoders: Path, temp_config: Callable[[dict[str, Any]], None]
) -> None:
    texts = [f"{'cats ' * (number % 11)}and dogs {number}" for number in range(40)]
    found = []
    for most in (0, 24):
        temp_config({"embedding": {"batch_tokens": most}})
        model = EmbeddingModule.load(str(saved_encoders / "embedding"))
        found.append(np.stack([each.data.values for each in model.run_embeddings(texts).results.vectors]))
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_sixteen_clients(
    saved_encoders: Path, tmp_path: Path, temp_config: Callable[[dict[str, Any]], None]
) -> None:
    from caikit.runtime.grpc_server import RuntimeGRPCServer
    from caikit.runtime.service_factory import ServicePackageFactory

    shutil.copytree(saved_encoders / "embedding", tmp_path / "models" / "together")
    metrics = free_port()
    temp_config(
        {
            "embedding": {"batch_tokens": 64},
            "runtime": {
                "library": "caikit_nlp",
                "local_models_dir": str(tmp_path / "models"),
                "lazy_load_local_models": True,
                "grpc": {"port": 0, "host": "127.0.0.1", "unix_socket_path": ""},
                "metrics": {"enabled": True, "host": "127.0.0.1", "port": metrics},
                "batching": {"default": {"size": CLIENTS, "collect_delay_s": 0.02}},
            },
        }
    )
    package = ServicePackageFactory.get_service_package(ServicePackageFactory.ServiceType.INFERENCE)
    texts = [f"{'cats ' * (number % 9)}and dogs {number}" for number in range(CLIENTS * 6)]
    # One client makes mistakes only.
    texts[3::CLIENTS] = [LONG] * 6
    alone = EmbeddingModule.load(str(saved_encoders / "embedding"))
    expected = alone.run_embeddings(texts, truncate_input_tokens=-1)
    begin = threading.Barrier(CLIENTS)

    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        stub = package.stub_class(channel)

        def call(text: str) -> Any:
            try:
                return stub.EmbeddingTaskPredict(
                    package.messages.EmbeddingTaskRequest(text=text),
                    metadata=[("mm-model-id", "together")],
                    timeout=30,
                )
            except grpc.RpcError as refusal:
                return refusal

        def client(number: int) -> list[Any]:
            begin.wait(20)
            return [call(text) for text in texts[number::CLIENTS]]

        call("the model is loaded")
        with ThreadPoolExecutor(CLIENTS) as pool:
            found = list(pool.map(client, range(CLIENTS)))
        told = requests.get(f"http://127.0.0.1:{metrics}/metrics", timeout=10).text

    for number, answers in enumerate(found):
        vectors = expected.results.vectors[number::CLIENTS]
        for answer, vector in zip(answers, vectors, strict=True):
            if number == 3:
                assert answer.code() is grpc.StatusCode.INVALID_ARGUMENT
                assert "exceeds the maximum sequence length" in answer.details()
            else:
                values = answer.result.data_npfloat32sequence.values
                np.testing.assert_allclose(values, vector.data.values, atol=1e-5)
    figures = {
        line.partition("{")[0]: float(line.rpartition(" ")[2])
        for line in told.splitlines()
        if line.startswith(("caikit_batch_size_sum", "caikit_batch_size_count")) and "together" in line
    }
    assert figures["caikit_batch_size_sum"] == len(texts) + 1
    assert figures["caikit_batch_size_count"] < figures["caikit_batch_size_sum"] / 1.5
