"""Texts that are much too long cost little, and mean what they would mean if they were read as a whole."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from caikit_nlp.modules.text_classification import SequenceClassification
from caikit_nlp.modules.text_embedding import CrossEncoderModule, EmbeddingModule
from caikit_nlp.toolkit._long_texts import beginning
from caikit_nlp.toolkit._tokens import TextTokenizer

LONG = 10_000_000
TEXTS = {
    "words": "cats and dogs " * (LONG // 14),
    "signs": "\u4e2d" * (LONG // 4),
    "commas": "a,b;" * (LONG // 4),
}


@pytest.fixture(scope="module")
def embedder(saved_encoders: Path) -> EmbeddingModule:
    return EmbeddingModule.load(str(saved_encoders / "embedding"))


def counted(seconds: float) -> Any:
    class Budget:
        def __enter__(self) -> None:
            self.began = time.process_time()

        def __exit__(self, *failure: object) -> None:
            assert time.process_time() - self.began < seconds

    return Budget()


@pytest.mark.parametrize("kind", TEXTS)
def test_ten_megabytes_are_refused_at_once(embedder: EmbeddingModule, kind: str) -> None:
    """Reading all of them takes seconds."""
    text = TEXTS[kind]
    with counted(2.0):
        with pytest.raises(ValueError, match="exceeds the maximum sequence length"):
            embedder.run(text)
        assert embedder.run(text, truncate_input_tokens=-1).input_token_count == 16


def test_ten_megabytes_are_not_tokenized(embedder: EmbeddingModule) -> None:
    with counted(1.0), pytest.raises(ValueError, match=r"1000000 at most.*tokenization\.max_characters"):
        embedder.run_tokenizer(TEXTS["words"])
    assert embedder.run_tokenizer("cats and dogs").token_count == 5


def test_pairs_and_classes(saved_encoders: Path) -> None:
    ranker = CrossEncoderModule.load(str(saved_encoders / "cross"))
    classifier = SequenceClassification.load(str(saved_encoders / "classifier"))
    text = TEXTS["words"]
    with counted(2.0):
        found = ranker.run_rerank_query(text, [{"text": text}], truncate_input_tokens=-1)
        assert found.input_token_count == 16
        with pytest.raises(ValueError, match="for text at index: 0"):
            ranker.run_rerank_query("cats", [{"text": text}])
        short = text[:5000]
        for long, cut in zip(classifier.run(text).results, classifier.run(short).results, strict=True):
            assert long.score == pytest.approx(cut.score, abs=1e-6)


@pytest.mark.parametrize("limit", [4, 16, 100])
@pytest.mark.parametrize("kind", ["words", "signs", "commas", "mixed"])
def test_a_cut_text_has_the_tokens_of_the_whole(embedder: EmbeddingModule, kind: str, limit: int) -> None:
    tokens: TextTokenizer = embedder._engine.tokens
    mixed = "The quick, brown f\u00f6x! " + "supercalifragilistic" * 9 + " jumps\n\nover \u4e2d\u6587 "
    text = (mixed * 200 if kind == "mixed" else TEXTS[kind])[:20_000]
    [cut] = tokens.encode([text], [limit])
    [whole] = tokens.encode([text], [10**9])
    assert cut.was_cut
    assert not whole.was_cut
    assert cut.ids[:-1] == whole.ids[: limit - 1]
    assert cut.ids[-1] == whole.ids[-1]
    [pair] = tokens.encode_pairs([(text, text)], limit)
    assert len(pair) == limit


def test_a_text_of_few_tokens_is_read_whole(embedder: EmbeddingModule) -> None:
    assert embedder.run("x" * 1_000_000).input_token_count == 3
    assert embedder.run("cats" + " " * 1_000_000 + "dogs").input_token_count == 4


def test_short_texts_are_not_touched() -> None:
    def never(text: str) -> int:
        raise AssertionError("this text was to be left alone")

    assert beginning("a" * 8000, 16, never) == "a" * 8000
    assert beginning("", 16, never) == ""
