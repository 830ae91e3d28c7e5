"""Rerank by models that read pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import caikit_nlp
from caikit_nlp.modules.text_embedding import CrossEncoderModule

QUERIES = ["cats and dogs", "the lazy fox"]
DOCUMENTS: list[Any] = [
    {"text": "a mouse"},
    {"_text": "The quick brown fox jumps"},
    {"text": "one two three", "id": 7},
]


@pytest.fixture(scope="module")
def model(saved_encoders: Path) -> CrossEncoderModule:
    loaded = caikit_nlp.load(str(saved_encoders / "cross"))
    assert isinstance(loaded, CrossEncoderModule)
    return loaded


def test_scores_are_what_the_library_computes(model: CrossEncoderModule, encoders: Path) -> None:
    from sentence_transformers import CrossEncoder

    library = CrossEncoder(str(encoders / "cross"), device="cpu")
    texts = [document.get("text") or document.get("_text") for document in DOCUMENTS]
    found = model.run_rerank_queries(QUERIES, DOCUMENTS)
    for query, result in zip(QUERIES, found.results, strict=True):
        expected = library.predict([(query, text) for text in texts])
        assert result.query == query
        assert [score.index for score in result.scores] == np.argsort(-expected).tolist()
        for score in result.scores:
            assert score.score == pytest.approx(float(expected[score.index]), abs=1e-6)
            assert score.text == texts[score.index]
            assert score.document == DOCUMENTS[score.index]
    counted = library.tokenizer([(query, text) for query in QUERIES for text in texts])
    assert found.input_token_count == sum(map(len, counted["input_ids"]))


def test_one_query_is_the_same(model: CrossEncoderModule) -> None:
    one = model.run_rerank_query(QUERIES[0], DOCUMENTS, top_n=2)
    many = model.run_rerank_queries(QUERIES, DOCUMENTS, top_n=2)
    assert [score.index for score in one.result.scores] == [score.index for score in many.results[0].scores]
    assert len(one.result.scores) == 2
    assert one.producer_id.to_dict() == {"name": "CrossEncoderModule", "version": "0.0.1"}


def test_parts_can_be_left_out(model: CrossEncoderModule) -> None:
    found = model.run_rerank_queries(
        QUERIES, DOCUMENTS, return_documents=False, return_queries=False, return_text=False
    )
    for result in found.results:
        assert result.query is None
        assert all(score.document is None and score.text is None for score in result.scores)


def test_refusals(model: CrossEncoderModule) -> None:
    with pytest.raises(ValueError, match="Cannot rerank without a query and at least one document"):
        model.run_rerank_query("a", [])
    number: Any = "1"
    with pytest.raises(TypeError, match="top_n"):
        model.run_rerank_query("a", DOCUMENTS, top_n=number)


def test_a_model_with_several_scores_is_refused(encoders: Path) -> None:
    with pytest.raises(ValueError, match="expected a cross-encoder with one score, got one with 2"):
        CrossEncoderModule.bootstrap(str(encoders / "classifier"))


@pytest.mark.parametrize("folder", ["bert", "cross"])
def test_scores_of_an_untrained_head_are_told(
    encoders: Path, folder: str, caplog: pytest.LogCaptureFixture
) -> None:
    CrossEncoderModule.bootstrap(str(encoders / folder))
    assert ("without a trained head" in caplog.text) == (folder == "bert")


def test_information_and_tokens(model: CrossEncoderModule) -> None:
    assert model.public_model_info == {"max_seq_length": 16}
    found = model.run_tokenizer("a mouse")
    assert (found.token_count, [token.text for token in found.results]) == (4, ["a", "mouse"])


def test_a_saved_folder(model: CrossEncoderModule, tmp_path: Path) -> None:
    model.save(str(tmp_path / "saved"))
    again = CrossEncoderModule.load(str(tmp_path / "saved"))
    before, after = (each.run_rerank_query(QUERIES[0], DOCUMENTS).to_dict() for each in (model, again))
    assert before == after
