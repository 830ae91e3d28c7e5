"""What the page tells about each question: the load behind it, and which figures are shown."""

from __future__ import annotations

from dataclasses import dataclass

TITLES = {
    "requests_per_second": "requests/s",
    "cpu_us": "CPU us per call",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "start_s": "start s",
    "start_cpu_s": "its CPU s",
    "resident_mb": "resident MB",
    "proportional_mb": "proportional MB",
    "processes": "processes",
    "install_mb": "installed MB",
    "distributions": "distributions",
    "still_open": "still open",
    "bytes_each": "bytes each",
    "kb_per_model": "KB per model",
}


@dataclass(frozen=True)
class Section:
    about: str
    shown: tuple[str, ...]


SECTIONS = {
    "footprint": Section(
        "From the start of the program to its first right answers, over all its protocols; then its memory. Memory that "
        "processes share counts in each of them as *resident*, and is divided among them as *proportional*: add that up. "
        "*Installed* is what pip has installed for the server.",
        (
            "start_s",
            "start_cpu_s",
            "resident_mb",
            "proportional_mb",
            "processes",
            "install_mb",
            "distributions",
        ),
    ),
    "calls": Section(
        "The *tiny* model: a short sentence in, two labelled scores out, next to nothing to compute. So many connections "
        "call at the same time.",
        ("cpu_us", "requests_per_second", "p50_ms", "p99_ms"),
    ),
    "bodies": Section(
        "The tiny model gets a text of this size; its answer stays small. 4 connections.",
        ("cpu_us", "p50_ms"),
    ),
    "vectors": Section(
        "A model that answers with a list of so many numbers, as embeddings are. 8 connections.",
        ("cpu_us", "requests_per_second"),
    ),
    "streams": Section(
        "A model that answers with a stream of so many tokens, each a message or an event of its own. 8 connections.",
        ("cpu_us", "requests_per_second"),
    ),
    "batching": Section(
        "A model that takes 3 ms for a call, be it with one text or with 32, and serves one call at a time. 32 connections. "
        "*Together*: requests share calls, up to 32 in one; *one by one*: each has a call of its own.",
        ("requests_per_second", "cpu_us", "p99_ms"),
    ),
    "models": Section(
        "The tiny model, loaded so many times. 64 connections call up to 64 of them. *KB per model* is what each adds to the "
        "proportional memory of the first; a figure below zero is noise.",
        ("cpu_us", "p50_ms", "start_s", "proportional_mb", "kb_per_model"),
    ),
    "idle": Section(
        "The tiny model is called over 8 connections while so many others say nothing. *Still open* are those that the "
        "server keeps; *bytes each* is the memory that it takes for one.",
        ("cpu_us", "still_open", "bytes_each"),
    ),
    "workers": Section(
        "One worker process and two, on all cores, which they share with the load generator. 32 connections. The *tiny* "
        "model is that of the calls above, the *busy* one computes for 2 ms before it answers.",
        ("requests_per_second", "cpu_us", "proportional_mb"),
    ),
}
