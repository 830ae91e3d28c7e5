"""Texts that are longer than a model takes, at every way in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caikit_nlp.modules.text_embedding import CrossEncoderModule, EmbeddingModule

LONGEST = 16
WORDS = [
    "cats",
    "and",
    "dogs",
    "and",
    "a",
    "mouse",
    "and",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
]
LONG = " ".join([*WORDS, *WORDS])
SHORT = "a mouse"

# What is asked for, and how many tokens of the long text are left, special ones included; None: it is refused.
LEFT = [
    (-1, 16),
    (0, None),
    (1, 3),
    (2, 4),
    (99, None),
    (14, 16),
    (15, 16),
    (16, 16),
    (17, None),
    (None, None),
]

WAYS: dict[str, Callable[[Any, int | None], Any]] = {
    "embedding": lambda model, n: model.run_embedding(LONG, truncate_input_tokens=n),
    "embeddings": lambda model, n: model.run_embeddings([SHORT, LONG], truncate_input_tokens=n),
    "similarity": lambda model, n: model.run_sentence_similarity(
        SHORT, [SHORT, LONG], truncate_input_tokens=n
    ),
    "similarities": lambda model, n: model.run_sentence_similarities(
        [SHORT], [SHORT, LONG], truncate_input_tokens=n
    ),
    "rerank": lambda model, n: model.run_rerank_query(
        SHORT, [{"text": SHORT}, {"text": LONG}], truncate_input_tokens=n
    ),
    "reranks": lambda model, n: model.run_rerank_queries(
        [SHORT], [{"text": SHORT}, {"text": LONG}], truncate_input_tokens=n
    ),
}


@pytest.fixture(scope="module")
def model(encoders: Path) -> EmbeddingModule:
    return EmbeddingModule.bootstrap(str(encoders / "sentence"))


@pytest.fixture(scope="module")
def cross(encoders: Path) -> CrossEncoderModule:
    return CrossEncoderModule.bootstrap(str(encoders / "cross"))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("requested", "left"), LEFT)
def test_table(model: EmbeddingModule, way: str, requested: int | None, left: int | None) -> None:
    message = (
        r"Token sequence length \(\+2 for start/end tokens\) exceeds the maximum sequence length for this model "
        r"\(16\)"
    )
    if left is None:
        place = r"\.$" if way == "embedding" else r" for text at index: 1\.$"
        with pytest.raises(ValueError, match=message + place):
            WAYS[way](model, requested)
        return
    others = {"embedding": 0, "embeddings": 1}.get(way, 2)
    short = 3 if requested == 1 else 4
    assert WAYS[way](model, requested).input_token_count == left + others * short


@pytest.mark.parametrize("requested", [1, 2, 5, 13, 14])
def test_a_cut_text_is_the_shorter_text(model: EmbeddingModule, requested: int) -> None:
    cut = model.run_embedding(LONG, truncate_input_tokens=requested)
    shorter = model.run_embedding(" ".join(WORDS[:requested]))
    assert cut.input_token_count == shorter.input_token_count == requested + 2
    np.testing.assert_allclose(cut.result.data.values, shorter.result.data.values, atol=1e-6)


def test_all_places_are_named(model: EmbeddingModule) -> None:
    with pytest.raises(ValueError, match=r" for text at indexes: 0, 2\.$"):
        model.run_embeddings([LONG, SHORT, LONG])
    with pytest.raises(ValueError, match=r"\(16\)\.$"):
        model.run_sentence_similarity(LONG, [SHORT])


def test_a_text_that_just_fits(model: EmbeddingModule) -> None:
    text = " ".join(WORDS[: LONGEST - 2])
    assert model.run_embedding(text).input_token_count == LONGEST


def test_silent_truncation(encoders: Path, temp_config: Callable[[dict[str, Any]], None]) -> None:
    temp_config({"embedding": {"implicit_truncation_errors": "off"}})
    model = EmbeddingModule.bootstrap(str(encoders / "sentence"))
    cross = CrossEncoderModule.bootstrap(str(encoders / "cross"))
    for requested in (0, 99):
        assert model.run_embedding(LONG, requested).input_token_count == LONGEST
        found = cross.run_rerank_query(SHORT, [{"text": LONG}], truncate_input_tokens=requested)
        assert found.input_token_count == LONGEST


@pytest.mark.parametrize(
    ("requested", "left"), [(-1, 16), (0, None), (1, 5), (4, 5), (5, 5), (9, 9), (16, 16), (17, None)]
)
def test_pairs(cross: CrossEncoderModule, requested: int, left: int | None) -> None:
    documents: list[Any] = [{"text": "cats"}, {"text": LONG}]
    for rerank in (
        lambda: cross.run_rerank_query(SHORT, documents, truncate_input_tokens=requested),
        lambda: cross.run_rerank_queries([SHORT], documents, truncate_input_tokens=requested),
    ):
        if left is None:
            with pytest.raises(
                ValueError,
                match=r"^Token sequence length \(\+3 for separators\) exceeds the maximum sequence length for this "
                r"model \(16\) for text at index: 1\.$",
            ):
                rerank()
        else:
            assert rerank().input_token_count == left + min(6, left)


def test_the_longer_text_of_a_pair_is_cut(cross: CrossEncoderModule) -> None:
    cut = cross.run_rerank_query(SHORT, [{"text": LONG}], truncate_input_tokens=9)
    shorter = cross.run_rerank_query(SHORT, [{"text": " ".join(WORDS[:4])}])
    assert cut.result.scores[0].score == pytest.approx(shorter.result.scores[0].score, abs=1e-6)
    assert cut.result.scores[0].text == LONG
    both = cross.run_rerank_query(LONG, [{"text": LONG}], truncate_input_tokens=9)
    shorter = cross.run_rerank_query(" ".join(WORDS[:3]), [{"text": " ".join(WORDS[:3])}])
    assert both.result.scores[0].score == pytest.approx(shorter.result.scores[0].score, abs=1e-6)
