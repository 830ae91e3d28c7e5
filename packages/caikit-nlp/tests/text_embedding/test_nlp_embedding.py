"""Embeddings: vectors, similarity, rerank and tokens."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import caikit_nlp
from caikit_nlp.modules.text_embedding import EmbeddingModule

TEXTS = ["cats and dogs", "The quick brown fox jumps over the lazy dog.", "a mouse", "one two three four"]


@pytest.fixture(scope="module")
def model(saved_encoders: Path) -> EmbeddingModule:
    loaded = caikit_nlp.load(str(saved_encoders / "embedding"))
    assert isinstance(loaded, EmbeddingModule)
    return loaded


def vector(result: Any) -> Any:
    return result.result.data.values


def vectors(result: Any) -> Any:
    return np.stack([each.data.values for each in result.results.vectors])


def test_a_vector_is_what_the_library_computes(model: EmbeddingModule, encoders: Path) -> None:
    from sentence_transformers import SentenceTransformer

    expected = SentenceTransformer(str(encoders / "sentence"), device="cpu").encode(TEXTS)
    np.testing.assert_allclose(vectors(model.run_embeddings(TEXTS)), expected, atol=1e-6)
    first = model.run_embedding(TEXTS[0])
    np.testing.assert_allclose(vector(first), expected[0], atol=1e-6)
    assert vector(first).dtype == np.float32
    assert first.producer_id.to_dict() == {"name": "EmbeddingModule", "version": "0.0.1"}
    assert first.input_token_count == 5


def test_without_a_normalizing_layer_vectors_keep_their_length(encoders: Path) -> None:
    from sentence_transformers import SentenceTransformer

    model = EmbeddingModule.bootstrap(str(encoders / "sentence-cls"))
    expected = SentenceTransformer(str(encoders / "sentence-cls"), device="cpu").encode(TEXTS)
    np.testing.assert_allclose(vectors(model.run_embeddings(TEXTS)), expected, atol=1e-5)


def test_a_vector_does_not_depend_on_its_batch(
    model: EmbeddingModule, saved_encoders: Path, temp_config: Callable[[dict[str, Any]], None]
) -> None:
    alone = np.stack([vector(model.run_embedding(text)) for text in TEXTS])
    many = [*reversed(TEXTS), *TEXTS]
    found = model.run_embeddings(many)
    np.testing.assert_allclose(vectors(found), np.concatenate([alone[::-1], alone]), atol=1e-6)
    assert found.input_token_count == 2 * model.run_embeddings(TEXTS).input_token_count
    temp_config({"embedding": {"batch_size": 1}})
    one_by_one = EmbeddingModule.load(str(saved_encoders / "embedding"))
    np.testing.assert_allclose(vectors(one_by_one.run_embeddings(TEXTS)), alone, atol=1e-6)


def test_threads_agree_with_a_serial_run(model: EmbeddingModule) -> None:
    texts = [f"cats and dogs and {'mouse ' * (number % 9)}{number}" for number in range(64)]
    expected = vectors(model.run_embeddings(texts, truncate_input_tokens=7))
    start = threading.Barrier(16)

    def one_thread(offset: int) -> Any:
        start.wait(10)
        return [vector(model.run_embedding(text, 7)) for text in texts[offset::16]]

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(one_thread, range(16)))
    for offset in range(16):
        np.testing.assert_allclose(np.stack(found[offset]), expected[offset::16], atol=1e-6)


def test_white_space_around_a_text_does_not_count(model: EmbeddingModule) -> None:
    np.testing.assert_array_equal(
        vector(model.run_embedding("  a mouse\n")), vector(model.run_embedding("a mouse"))
    )


def test_one_text_is_a_list_of_one(model: EmbeddingModule) -> None:
    one: Any = "a mouse"
    np.testing.assert_array_equal(
        vectors(model.run_embeddings(one)), vectors(model.run_embeddings(["a mouse"]))
    )
    assert model.run_embeddings([]).results.vectors == []


@pytest.mark.parametrize(
    "call",
    [
        lambda model: model.run_embedding(["a"]),
        lambda model: model.run_embeddings([1]),
        lambda model: model.run_embeddings(["a"], truncate_input_tokens="1"),
        lambda model: model.run_sentence_similarity(["a"], ["b"]),
        lambda model: model.run_rerank_query(7, [{"text": "a"}]),
        lambda model: model.run_rerank_queries("a", [{"text": "a"}]),
        lambda model: model.run_rerank_query("a", {"text": "a"}),
        lambda model: model.run_rerank_query("a", [{"text": "a"}], top_n="1"),
        lambda model: model.run_rerank_query("a", [{"text": 7}]),
        lambda model: model.run_tokenizer(7),
    ],
)
def test_wrong_types_are_refused(model: EmbeddingModule, call: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        call(model)


def test_similarity_is_the_cosine(model: EmbeddingModule) -> None:
    rows = vectors(model.run_embeddings(TEXTS))
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    expected = rows @ rows.T
    one = model.run_sentence_similarity(TEXTS[0], TEXTS)
    np.testing.assert_allclose(one.result.scores, expected[0], atol=1e-6)
    assert all(type(score) is float for score in one.result.scores)
    many = model.run_sentence_similarities(TEXTS, TEXTS[:2])
    np.testing.assert_allclose([each.scores for each in many.results], expected[:, :2], atol=1e-6)
    all_tokens = model.run_embeddings(TEXTS).input_token_count
    assert many.input_token_count == all_tokens + model.run_embeddings(TEXTS[:2]).input_token_count
    assert model.run_sentence_similarity("cats", []).result.scores == []
    assert model.run_sentence_similarities([], []).results == []


def test_rerank_orders_documents(model: EmbeddingModule) -> None:
    documents: list[Any] = [
        {"text": "one two three"},
        {"_text": "cats and dogs", "id": {"n": 7}},
        {"title": "no text"},
        {"text": "", "_text": "a mouse"},
    ]
    found = model.run_rerank_query("cats and dogs", documents)
    scores = found.result.scores
    assert found.result.query == "cats and dogs"
    assert scores[0].to_dict() == {
        "document": {"_text": "cats and dogs", "id": {"n": 7}},
        "index": 1,
        "score": pytest.approx(1.0, abs=1e-6),
        "text": "cats and dogs",
    }
    assert [score.score for score in scores] == sorted((score.score for score in scores), reverse=True)
    assert sorted(score.index for score in scores) == [0, 1, 2, 3]
    assert {score.index: score.text for score in scores}[3] == "a mouse"
    assert {score.index: score.text for score in scores}[2] == ""
    bare = model.run_rerank_query(
        "cats and dogs", documents, return_documents=False, return_query=False, return_text=False
    )
    assert bare.result.query is None
    assert {(score.document, score.text) for score in bare.result.scores} == {(None, None)}
    many = model.run_rerank_queries(["a mouse", "cats and dogs"], documents, top_n=1)
    assert [each.scores[0].index for each in many.results] == [3, 1]
    assert [each.query for each in many.results] == ["a mouse", "cats and dogs"]


@pytest.mark.parametrize(("top_n", "count"), [(None, 3), (0, 3), (-1, 3), (1, 1), (2, 2), (9, 3)])
def test_top_n(model: EmbeddingModule, top_n: int | None, count: int) -> None:
    documents: list[Any] = [{"text": text} for text in TEXTS[:3]]
    assert len(model.run_rerank_query("cats", documents, top_n=top_n).result.scores) == count


@pytest.mark.parametrize(("queries", "documents"), [([], [{"text": "a"}]), (["a"], [])])
def test_nothing_to_rerank(model: EmbeddingModule, queries: list[str], documents: list[Any]) -> None:
    with pytest.raises(ValueError, match="Cannot rerank without a query and at least one document"):
        model.run_rerank_queries(queries, documents)


def test_tokens_of_a_text(model: EmbeddingModule) -> None:
    text = " cats  and a MOUSE"
    found = model.run_tokenizer(text)
    assert [token.text for token in found.results] == ["cats", "and", "a", "MOUSE"]
    assert all(text[token.start : token.end] == token.text for token in found.results)
    assert all(type(token.start) is int for token in found.results)
    assert found.token_count == 6


def test_a_saved_folder(model: EmbeddingModule, tmp_path: Path) -> None:
    import yaml

    path = tmp_path / "saved"
    model.save(f" {path} ")
    config = yaml.safe_load((path / "config.yml").read_text())
    assert config["artifacts_path"] == "artifacts"
    assert config["module_id"] == "eeb12558-b4fa-4f34-a9fd-3f5890e9cd3f"
    again = EmbeddingModule.load(str(path))
    np.testing.assert_allclose(vectors(again.run_embeddings(TEXTS)), vectors(model.run_embeddings(TEXTS)))
    assert again.public_model_info == {"max_seq_length": 16, "sentence_embedding_dimension": 32}
    with pytest.raises(FileExistsError, match="saved"):
        model.save(str(path))
    with pytest.raises(ValueError, match="model_path '' is invalid"):
        model.save("  ")
    number: Any = 7
    with pytest.raises(TypeError):
        model.save(number)


def test_a_model_as_bytes(model: EmbeddingModule) -> None:
    again = caikit_nlp.load(model.as_bytes())
    np.testing.assert_allclose(vectors(again.run_embeddings(TEXTS)), vectors(model.run_embeddings(TEXTS)))


def test_a_folder_of_the_library_as_published(encoders: Path, tmp_path: Path) -> None:
    """A folder of the older library: other class paths, flags for the pooling."""
    import shutil

    published = tmp_path / "published"
    shutil.copytree(encoders / "sentence", published / "artifacts")
    (published / "config.yml").write_text(
        "artifacts_path: artifacts\ncaikit_nlp_version: 0.5.15\ncreated: 2025-01-01 00:00:00\n"
        "module_class: caikit_nlp.modules.text_embedding.embedding.EmbeddingModule\n"
        "module_id: eeb12558-b4fa-4f34-a9fd-3f5890e9cd3f\nname: EmbeddingModule\nversion: 0.0.1\n"
    )
    (published / "artifacts" / "modules.json").write_text(
        '[{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},'
        '{"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]'
    )
    (published / "artifacts" / "1_Pooling" / "config.json").write_text(
        '{"word_embedding_dimension": 32, "pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}'
    )
    found = caikit_nlp.load(str(published)).run_embedding("cats")
    expected = EmbeddingModule.bootstrap(str(encoders / "bert")).run_embedding("cats")
    assert vector(found).shape == vector(expected).shape
    assert not np.allclose(vector(found), vector(expected))


def test_a_folder_without_artifacts(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("module_id: eeb12558-b4fa-4f34-a9fd-3f5890e9cd3f\n")
    with pytest.raises(ValueError, match="value check failed: Model config missing 'artifacts_path'"):
        EmbeddingModule.load(str(tmp_path))
    (tmp_path / "config.yml").write_text(
        "module_id: eeb12558-b4fa-4f34-a9fd-3f5890e9cd3f\nartifacts_path: absent\n"
    )
    with pytest.raises(FileNotFoundError):
        EmbeddingModule.load(str(tmp_path))


def test_a_model_that_is_not_here_is_not_looked_for_elsewhere() -> None:
    with pytest.raises(
        FileNotFoundError, match=r"got `some/name`; set allow_downloads .*ALLOW_DOWNLOADS=true"
    ):
        EmbeddingModule.bootstrap("some/name")


@pytest.mark.parametrize("key", ["retries", "batch_size"])
def test_settings_of_wrong_types(
    encoders: Path, temp_config: Callable[[dict[str, Any]], None], key: str
) -> None:
    temp_config({"embedding": {key: "many"}})
    with pytest.raises(TypeError, match=key):
        EmbeddingModule.bootstrap(str(encoders / "sentence"))


def test_real_meaning(minilm: str) -> None:
    model = EmbeddingModule.bootstrap(minilm)
    found = model.run_sentence_similarity(
        "The cat sits on the mat.", ["A cat is sitting on a rug.", "Stock markets fell sharply today."]
    )
    assert found.result.scores == [pytest.approx(0.769, abs=0.002), pytest.approx(0.046, abs=0.002)]
    assert found.input_token_count == 27
    sunny = vector(model.run_embedding("Today is a nice sunny day"))
    np.testing.assert_allclose(sunny[:4], [-0.04686, 0.09957, 0.13132, 0.06056], atol=1e-4)
    assert model.public_model_info == {"max_seq_length": 256, "sentence_embedding_dimension": 384}
