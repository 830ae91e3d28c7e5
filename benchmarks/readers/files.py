"""Files of records: CSV, one JSON array, and JSON lines."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FORMATS = ["csv", "json", "jsonl"]
FIELDS = ["number", "text", "label", "score"]
LABELS = ["positive", "negative", "neutral"]
_TEXT = (
    "the model says that this sentence is long enough, or it is not; a “quoted” word\tand a comma, one "
    'line\nbreak and "quotes" of both kinds, naïve café piñata 東京 and many plain words in between them'
)


def records(rows: int) -> Iterator[dict[str, Any]]:
    """The same ones each time; about 430 bytes each."""
    generator, words = random.Random(rows), _TEXT.split(" ")
    for number in range(rows):
        yield {
            "number": number,
            "text": " ".join(generator.choices(words, k=65)),
            "label": LABELS[number % len(LABELS)],
            "score": generator.random(),
        }


def write(path: Path, rows: int) -> None:
    """In the format that the extension says."""
    {"csv": _write_csv, "json": _write_json, "jsonl": _write_jsonl}[path.suffix[1:]](path, rows)


def _write_csv(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(records(rows))


def _write_json(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        separator = "[\n"
        for record in records(rows):
            file.write(separator + json.dumps(record, ensure_ascii=False))
            separator = ",\n"
        file.write("\n]\n")


def _write_jsonl(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for record in records(rows):
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
