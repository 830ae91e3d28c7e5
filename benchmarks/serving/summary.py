"""The few figures with which somebody decides: what usual calls cost, and what workers, batches and models bring or take."""

from __future__ import annotations

from collections.abc import Iterator

from .figures import Figures
from .tables import markdown, number

SERVERS = (
    "caikit native, gRPC",
    "caikit native, HTTP",
    "caikit standard, gRPC",
    "caikit standard, HTTP",
    "bare grpcio",
    "bare uvicorn",
    "FastAPI",
)
CALLS = {
    "a small call": ("calls", "8 connections"),
    "an answer of 384 numbers": ("vectors", "384 numbers"),
    "a stream of 100 tokens": ("streams", "100 tokens"),
    "a question of 1 MB": ("bodies", "1000000 bytes"),
}


def summary(figures: Figures) -> str:
    """A table and some sentences; without those for which nothing was measured."""
    servers = [server for server in SERVERS if any(_costs(figures, server))]
    rows = [
        [name, *(number(figures.get(question, point, server)) for server in servers)]
        for name, (question, point) in CALLS.items()
    ]
    sentences = [f"- {sentence}\n" for sentence in _sentences(figures)]
    return markdown(["CPU us for", *servers], rows) + "\n" + "".join(sentences)


def _costs(figures: Figures, server: str) -> Iterator[bool]:
    for question, point in CALLS.values():
        yield figures.get(question, point, server) is not None


def _sentences(figures: Figures) -> Iterator[str]:
    grpc, http = (
        figures.get("calls", "8 connections", f"caikit native, {protocol}", "requests_per_second")
        for protocol in ("gRPC", "HTTP")
    )
    if grpc and http:
        yield f"Small calls per second and core: {number(grpc)} over gRPC, {number(http)} over HTTP."
    two = _gain(figures, "workers", "busy, 2", "busy, 1")
    if two:
        yield f"Two workers on two cores answer {two} times as many calls of a model that computes for 2 ms."
    batches = _gain(figures, "batching", "together", "one by one")
    if batches:
        yield (
            f"Batches of up to 32 answer {batches} times as many calls of a model that takes as long for 32 texts as for one."
        )
    start, memory = (
        figures.get("footprint", "start", "caikit native", name) for name in ("start_s", "resident_mb")
    )
    if start and memory:
        yield f"A server with a model that needs nothing starts in {number(start)} s and takes {number(memory)} MB."


def _gain(figures: Figures, question: str, more: str, less: str) -> str:
    server, name = "caikit native, HTTP", "requests_per_second"
    ratio = figures.ratio((question, more, server, name), (question, less, server, name))
    return number(ratio)
