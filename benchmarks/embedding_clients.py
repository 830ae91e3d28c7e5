"""Clients that ask for one embedding after the other, and look at every answer."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np

from caikit.interfaces.nlp.data_model import EmbeddingResult

MODEL = "minilm"
METHOD = "/caikit.runtime.EmbeddingModels.EmbeddingModelsService/EmbeddingTaskPredict"
ROUTE = "/api/v1/task/embedding"
LONGEST_ANSWER = 60.0
LEAST_COSINE = 0.999

Vector = np.ndarray[Any, np.dtype[np.float64]]
Ask = Callable[[str], Vector]
"""The vector of a text."""


def http_asker(port: int) -> Ask:
    """Asks a caikit server over HTTP."""

    def body(text: str) -> Any:
        return {"model_id": MODEL, "inputs": text}

    return _json_asker(port, ROUTE, body, lambda answer: answer["result"]["data"]["values"])


def fastapi_asker(port: int) -> Ask:
    return _json_asker(port, "/embedding", lambda text: {"text": text}, lambda answer: answer["embedding"])


def _json_asker(port: int, path: str, body: Callable[[str], Any], values: Callable[[Any], Any]) -> Ask:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_ANSWER)

    def ask(text: str) -> Vector:
        connection.request("POST", path, json.dumps(body(text)), {"content-type": "application/json"})
        response = connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise RuntimeError(f"{path} answered {response.status}: {content[:300]!r}")
        return np.array(values(json.loads(content)))

    return ask


def grpc_asker(port: int) -> Ask:
    """Asks a caikit server over gRPC, on a connection of its own."""
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)])
    call = channel.unary_unary(METHOD, response_deserializer=EmbeddingResult.from_binary_buffer)

    def ask(text: str) -> Vector:
        content = text.encode()
        # One string, the field with the number 1.
        size = bytes([len(content)]) if len(content) < 128 else _varint(len(content))
        answer = call(b"\x0a" + size + content, metadata=(("mm-model-id", MODEL),), timeout=LONGEST_ANSWER)
        return np.asarray(answer.result.data.values)

    return ask


def _varint(number: int) -> bytes:
    return bytes([number & 127 | 128]) + (bytes([number >> 7]) if number < 1 << 14 else _varint(number >> 7))


@dataclass
class Outcome:
    """What the clients saw in one run."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    least_cosine: float = 1.0
    errors: list[str] = field(default_factory=list)


def load(
    make_asker: Callable[[int], Ask],
    port: int,
    texts: Sequence[str],
    references: Sequence[Vector],
    clients: int,
    seconds: float,
) -> Outcome:
    """As many clients as wanted, each of which asks as soon as it has its answer."""
    outcome = Outcome()
    lock = threading.Lock()
    start = threading.Barrier(clients + 1)
    ends = [0.0]

    def client(number: int) -> None:
        ask = make_asker(port)
        latencies, least = [], 1.0
        try:
            ask(texts[0])
            start.wait(LONGEST_ANSWER)
            # Each client has an order of its own.
            place = number * 7919
            while time.perf_counter() < ends[0]:
                place = (place + 1) % len(texts)
                asked_at = time.perf_counter()
                vector = ask(texts[place])
                latencies.append(time.perf_counter() - asked_at)
                least = min(least, _cosine(vector, references[place]))
        except Exception as error:
            with lock:
                outcome.errors.append(repr(error)[:500])
            start.abort()
        with lock:
            outcome.latencies += latencies
            outcome.least_cosine = min(outcome.least_cosine, least)

    threads = [threading.Thread(target=client, args=(number,), daemon=True) for number in range(clients)]
    ends[0] = time.perf_counter() + 10 * LONGEST_ANSWER
    for thread in threads:
        thread.start()
    try:
        start.wait(LONGEST_ANSWER)
    except threading.BrokenBarrierError:
        raise RuntimeError(f"the clients could not begin: {outcome.errors[:1]}") from None
    began = time.perf_counter()
    ends[0] = began + seconds
    for thread in threads:
        thread.join(LONGEST_ANSWER)
    outcome.seconds = time.perf_counter() - began
    if outcome.errors or outcome.least_cosine < LEAST_COSINE:
        raise RuntimeError(
            f"expected vectors with a cosine of at least {LEAST_COSINE} to those of the reference, got "
            f"{outcome.least_cosine:.4f}; errors: {outcome.errors[:3]}"
        )
    return outcome


def _cosine(one: Vector, other: Vector) -> float:
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))
