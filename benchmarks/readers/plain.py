"""Python's own readers, doing what a data stream does for each row."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Record:
    number: int
    text: str
    label: str
    score: float


def csv_rows(path: str) -> Iterator[Any]:
    with open(path, encoding="utf-8", newline="") as file:
        yield from csv.reader(file)


def csv_dicts(path: str) -> Iterator[Any]:
    with open(path, encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def csv_objects(path: str) -> Iterator[Any]:
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Record(int(row["number"]), row["text"], row["label"], float(row["score"]))


def json_dicts(path: str) -> Iterator[Any]:
    """Python's reader knows only whole documents."""
    with open(path, encoding="utf-8") as file:
        yield from json.load(file)


def json_objects(path: str) -> Iterator[Any]:
    for values in json_dicts(path):
        yield Record(**values)


def jsonl_dicts(path: str) -> Iterator[Any]:
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def jsonl_objects(path: str) -> Iterator[Any]:
    for values in jsonl_dicts(path):
        yield Record(**values)


READERS: dict[str, Callable[[str], Iterator[Any]]] = {
    "csv rows": csv_rows,
    "csv dicts": csv_dicts,
    "csv objects": csv_objects,
    "json dicts": json_dicts,
    "json objects": json_objects,
    "jsonl dicts": jsonl_dicts,
    "jsonl objects": jsonl_objects,
}
