"""From the answers of the backend to what the page shows, one function per task.

Each gets `ask`, which takes the fields of the request and returns the answer, and the value of the form. Where the
answer comes piece by piece it gets `listen`, whose argument is a dictionary with the fields of the request.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pandas
from PIL import Image

from .context import Listen
from .drawing import cut_out, draw_boxes

Ask = Callable[..., Any]
Scores = dict[str, float]


def write(listen: Listen, text: str, **fields: Any) -> Iterator[tuple[str]]:
    """All that was said so far, again and again."""
    said = ""
    for piece in listen({"text_in": text, **fields}):
        said += piece.text
        yield (said,)


def summarize(ask: Ask, text: str) -> tuple[str]:
    return (ask(text_in=text).text,)


def rate(ask: Ask, text: str) -> tuple[Scores]:
    return (_scores(ask(text_in=text).classes),)


def embed(ask: Ask, text: str) -> tuple[pandas.DataFrame]:
    pairs = ask(text_in=text).output
    names = numbered(str(pair.input) for pair in pairs)
    return (table(names, [pair.output for pair in pairs]),)


def compare(ask: Ask, *sentences: str) -> tuple[Scores, pandas.DataFrame]:
    vectors = [pair.output for pair in ask(sentences=list(sentences)).output]
    titles = ["Source sentence", *(f"Sentence {number}" for number in range(1, len(sentences)))]
    names = [f"{title}: {sentence}" for title, sentence in zip(titles, sentences, strict=True)]
    return {name: _cosine(vectors[0], vector) for name, vector in zip(names, vectors, strict=True)}, table(
        titles, vectors
    )


def classify(ask: Ask, image: Image.Image) -> tuple[Scores]:
    return (_scores(ask(encoded_bytes_or_url=encode(image)).classes),)


def detect(ask: Ask, image: Image.Image) -> tuple[Image.Image, Scores]:
    found = _by_score(ask(encoded_bytes_or_url=encode(image)).objects)
    names = numbered(one.label for one in found)
    boxes = [(one.box.xmin, one.box.ymin, one.box.xmax, one.box.ymax) for one in found]
    return draw_boxes(image, list(zip(names, boxes, strict=True))), _named_scores(names, found)


def segment(ask: Ask, image: Image.Image) -> tuple[list[tuple[Image.Image, str]], Scores]:
    found = _by_score(ask(encoded_bytes_or_url=encode(image)).objects)
    names = numbered(one.label for one in found)
    masks = [Image.open(io.BytesIO(base64.b64decode(one.mask))) for one in found]
    pictures = [(cut_out(image, mask), name) for name, mask in zip(names, masks, strict=True)]
    return pictures, _named_scores(names, found)


def encode(image: Image.Image) -> str:
    """A PNG in base64."""
    file = io.BytesIO()
    image.save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode()


def numbered(labels: Iterable[str]) -> list[str]:
    """cat, cat, dog -> cat, cat-2, dog"""
    seen: dict[str, int] = {}
    names = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        names.append(label if seen[label] == 1 else f"{label}-{seen[label]}")
    return names


def table(names: Sequence[str], columns: Sequence[Sequence[float]]) -> pandas.DataFrame:
    frame = pandas.DataFrame({name: list(column) for name, column in zip(names, columns, strict=True)})
    rounded: pandas.DataFrame = frame.round(4)
    return rounded


def _scores(classes: Iterable[Any]) -> Scores:
    return {one.class_name: one.confidence for one in classes}


def _by_score(found: Iterable[Any]) -> list[Any]:
    return sorted(found, key=lambda one: -one.score)


def _named_scores(names: Sequence[str], found: Sequence[Any]) -> Scores:
    return {name: one.score for name, one in zip(names, found, strict=True)}


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / (math.hypot(*one) * math.hypot(*other) or 1.0)
