"""What the model is given for texts of very different lengths."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SHORT, LONG = "cats", "the quick brown fox jumps over the lazy dog and cats"
NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight"]


@pytest.fixture
def seen(encoders: Path) -> tuple[Any, list[tuple[int, int]]]:
    """A model, and the shapes of its batches."""
    from caikit_nlp.modules.text_embedding import EmbeddingModule

    model = EmbeddingModule.bootstrap(str(encoders / "sentence"))
    shapes: list[tuple[int, int]] = []
    lock = threading.Lock()

    def see(_module: Any, arguments: Any) -> None:
        with lock:
            shapes.append(tuple(arguments[0]["input_ids"].shape))

    model.model[0].register_forward_pre_hook(see)
    return model, shapes


def test_short_texts_are_not_filled_up_to_long_ones(seen: Any) -> None:
    model, shapes = seen
    texts = [f"{number} {text}" for number in NUMBERS for text in (SHORT, LONG)]
    found = model.run_embeddings(texts, truncate_input_tokens=-1)
    assert sum(rows for rows, _ in shapes) == 16
    # The long ones have the most tokens that the model takes, the short ones less than half of that.
    assert sum(rows * columns for rows, columns in shapes) <= found.input_token_count + 32 * len(shapes)
    assert len({columns for _, columns in shapes}) > 1
    assert len(shapes) < 6


def test_batches_that_are_computed_side_by_side_keep_their_order(seen: Any) -> None:
    model, _ = seen
    texts = [" ".join([SHORT] * (1 + number % 11)) + f" {NUMBERS[number % 8]}" for number in range(60)]
    found = model.run_embeddings(texts, truncate_input_tokens=-1).results.vectors
    for text, vector in zip(texts, found, strict=True):
        alone = model.run_embedding(text, truncate_input_tokens=-1).result.data.values
        assert np.allclose(vector.data.values, alone, atol=1e-5)
