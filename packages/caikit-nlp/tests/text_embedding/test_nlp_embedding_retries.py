"""Calls of a model that fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caikit_nlp.modules.text_embedding import EmbeddingModule


def failing(encoders: Path, failures: list[Exception]) -> Any:
    """A model whose first calls fail."""
    from sentence_transformers import SentenceTransformer

    class Failing(SentenceTransformer):
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            if failures:
                raise failures.pop(0)
            return super().forward(*args, **kwargs)

    return Failing(str(encoders / "sentence"), device="cpu")


def test_a_call_is_tried_again(encoders: Path, temp_config: Callable[[dict[str, Any]], None]) -> None:
    temp_config({"embedding": {"retries": 1}})
    model = EmbeddingModule(failing(encoders, [MemoryError("no room")]))
    assert model.run_embedding("cats").input_token_count == 3


def test_the_first_error_is_raised(encoders: Path, temp_config: Callable[[dict[str, Any]], None]) -> None:
    temp_config({"embedding": {"retries": 1}})
    model = EmbeddingModule(failing(encoders, [RuntimeError("first"), OSError("second")]))
    with pytest.raises(RuntimeError, match="first"):
        model.run_embedding("cats")
    assert model.run_embedding("cats").input_token_count == 3


@pytest.mark.parametrize("retries", [0, -3])
def test_without_retries(encoders: Path, temp_config: Callable[[dict[str, Any]], None], retries: int) -> None:
    temp_config({"embedding": {"retries": retries}})
    model = EmbeddingModule(failing(encoders, [RuntimeError("first")]))
    with pytest.raises(RuntimeError, match="first"):
        model.run_embedding("cats")


def test_what_cannot_pass_is_not_tried_again(
    encoders: Path, temp_config: Callable[[dict[str, Any]], None]
) -> None:
    temp_config({"embedding": {"retries": 5}})
    failures: list[Exception] = [ValueError("wrong"), ValueError("still wrong")]
    model = EmbeddingModule(failing(encoders, failures))
    with pytest.raises(ValueError, match="wrong"):
        model.run_embedding("cats")
    assert len(failures) == 1


def test_values_for_no() -> None:
    from caikit_nlp.modules.text_embedding.utils import env_val_to_bool

    assert not any(map(env_val_to_bool, [None, False, "", " ", "no", "N", "False", "0", 0, "F", " OFF "]))
    assert all(map(env_val_to_bool, [True, "true", "yes", 1, "1", "on", "anything", 2.5]))


def test_autocast_and_a_missing_extension_go_on(
    encoders: Path, temp_config: Callable[[dict[str, Any]], None]
) -> None:
    temp_config({"embedding": {"autocast": "1", "ipex": "true", "batch_size": 2}})
    model = EmbeddingModule.bootstrap(str(encoders / "sentence"), device="cpu")
    found = model.run_embeddings(["cats", "dogs", "a mouse"])
    assert len(found.results.vectors) == 3
    assert found.results.vectors[0].data.values.dtype.name == "float32"
