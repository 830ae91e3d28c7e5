"""The content that every library holds in its own way, as plain JSON values."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

_random = random.Random(20)

TEXT = "Today is a nice sunny day, and the model has something to say about it"
TOKENS = 17
NAME, VERSION = "sentiment", "1.2.3"
FEW = [("POSITIVE", 0.7351926), ("NEUTRAL", 0.2046151), ("NEGATIVE", 0.0601923)]
MANY = [(f"label_{number}", _random.random()) for number in range(1000)]
FLOATS = [_random.gauss(0, 0.05) for _ in range(768)]
DOUBLE_ARRAY = np.array(FLOATS, dtype=np.float64)
SINGLE_ARRAY = np.array(FLOATS, dtype=np.float32)


@dataclass(frozen=True)
class Shape:
    name: str
    content: dict[str, Any]

    @cached_property
    def json(self) -> str:
        return json.dumps(self.content)

    def plain(self, value: Any) -> Any:
        """What an object of any library holds, as plain as the content."""
        return _plain(value, self.content)


def _plain(value: Any, content: Any) -> Any:
    if isinstance(content, dict):
        parts = value if isinstance(value, tuple) else [getattr(value, name) for name in content]
        return {name: _plain(part, content[name]) for name, part in zip(content, parts, strict=True)}
    if isinstance(content, list):
        return [_plain(item, content[0]) for item in value]
    return value


def _labelled(scores: list[tuple[str, float]]) -> list[dict[str, Any]]:
    return [{"label": label, "score": score} for label, score in scores]


SMALL = Shape(
    "small nested object",
    {
        "text": TEXT,
        "tokens": TOKENS,
        "producer": {"name": NAME, "version": VERSION},
        "results": _labelled(FEW),
    },
)
LIST = Shape("1000 small objects", {"results": _labelled(MANY)})
FLOAT_LIST = Shape("768 floats, list", {"values": FLOATS})
FLOAT_ARRAY = Shape("768 floats, array", {"values": FLOATS})
EMBEDDING = Shape("768 floats, Vector1D", {"data": {"values": SINGLE_ARRAY.tolist()}})
SHAPES = [SMALL, LIST, FLOAT_LIST, FLOAT_ARRAY, EMBEDDING]

BUILD, TO_BYTES, FROM_BYTES, TO_JSON, FROM_JSON = "build", "to bytes", "from bytes", "to JSON", "from JSON"
OPERATIONS = [BUILD, TO_BYTES, FROM_BYTES, TO_JSON, FROM_JSON]


@dataclass(frozen=True)
class Way:
    """How one library does one operation; `plain` turns the answer into the shape's plain content."""

    library: str
    shape: Shape
    operation: str
    call: Callable[[], Any]
    plain: Callable[[Any], Any]
