"""The engine onnx gives the results of the engine torch, and needs no torch."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caikit_nlp.modules.text_embedding import CrossEncoderModule, EmbeddingModule

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
pytest.importorskip("onnx", reason="the package onnx, which exports need, is not installed")

TEXTS = ["cats and dogs", "The quick brown fox jumps over the lazy dog.", "a mouse " * 40]
DOCUMENTS: list[Any] = [{"text": text} for text in TEXTS]


@pytest.fixture(scope="module")
def exported(encoders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import caikit
    from caikit.config import config as config_module

    folder = tmp_path_factory.mktemp("exported")
    with config_module.preserved():
        caikit.configure(config_dict={"embedding": {"export_onnx": True, "engine": "torch"}})
        for name in ("sentence", "sentence-cls"):
            EmbeddingModule.bootstrap(str(encoders / name)).save(str(folder / name))
        CrossEncoderModule.bootstrap(str(encoders / "cross")).save(str(folder / "cross"))
    return folder


def rows(model: EmbeddingModule) -> Any:
    found = model.run_embeddings(TEXTS, truncate_input_tokens=-1)
    return np.stack([each.data.values for each in found.results.vectors]), found.input_token_count


@pytest.mark.parametrize("name", ["sentence", "sentence-cls"])
def test_vectors(exported: Path, temp_config: Callable[[dict[str, Any]], None], name: str) -> None:
    by_torch = EmbeddingModule.load(str(exported / name))
    temp_config({"embedding": {"engine": "onnx"}})
    by_onnx = EmbeddingModule.load(str(exported / name))
    (expected, expected_count), (found, count) = rows(by_torch), rows(by_onnx)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.dtype == np.float32
    assert count == expected_count
    assert by_onnx.public_model_info == by_torch.public_model_info
    text = "cats and a mouse"
    assert by_onnx.run_tokenizer(text).to_dict() == by_torch.run_tokenizer(text).to_dict()


def test_scores_of_pairs(exported: Path, temp_config: Callable[[dict[str, Any]], None]) -> None:
    by_torch = CrossEncoderModule.load(str(exported / "cross"))
    temp_config({"embedding": {"engine": "onnx"}})
    by_onnx = CrossEncoderModule.load(str(exported / "cross"))
    expected, found = (
        model.run_rerank_query("cats", DOCUMENTS, truncate_input_tokens=-1) for model in (by_torch, by_onnx)
    )
    assert [score.index for score in found.result.scores] == [score.index for score in expected.result.scores]
    for one, other in zip(found.result.scores, expected.result.scores, strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-5)
    assert found.input_token_count == expected.input_token_count
    assert by_onnx.public_model_info == by_torch.public_model_info


def test_bootstrap_exports_and_save_keeps_the_file(
    encoders: Path, tmp_path: Path, temp_config: Callable[[dict[str, Any]], None]
) -> None:
    by_torch = EmbeddingModule.bootstrap(str(encoders / "sentence"))
    temp_config({"embedding": {"engine": "onnx"}})
    made = EmbeddingModule.bootstrap(str(encoders / "sentence"))
    made.save(str(tmp_path / "saved"))
    assert (tmp_path / "saved" / "artifacts" / "onnx" / "model.onnx").is_file()
    loaded = EmbeddingModule.load(str(tmp_path / "saved"))
    again = EmbeddingModule.bootstrap(str(tmp_path / "saved" / "artifacts"))
    for model in (made, loaded, again):
        np.testing.assert_allclose(rows(model)[0], rows(by_torch)[0], atol=1e-5)


def test_a_folder_without_the_file(
    saved_encoders: Path, temp_config: Callable[[dict[str, Any]], None]
) -> None:
    temp_config({"embedding": {"engine": "onnx"}})
    with pytest.raises(FileNotFoundError, match=r"expected the file .*model\.onnx .*embedding\.export_onnx"):
        EmbeddingModule.load(str(saved_encoders / "embedding"))


def test_an_unknown_engine(saved_encoders: Path, temp_config: Callable[[dict[str, Any]], None]) -> None:
    temp_config({"embedding": {"engine": "steam"}})
    with pytest.raises(
        ValueError, match=r"expected one of auto, onnx, torch for embedding\.engine, got steam"
    ):
        EmbeddingModule.load(str(saved_encoders / "embedding"))


WITHOUT_TORCH = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "transformers", "sentence_transformers", "onnx"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
import caikit, caikit_nlp
caikit.configure(config_dict={"embedding": {"engine": "onnx"}})
model = caikit_nlp.load(sys.argv[1])
found = model.run_embedding("cats and dogs")
print(found.input_token_count, len(found.result.data.values))
"""


def test_it_needs_no_torch(exported: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_TORCH, str(exported / "sentence")],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.split() == ["5", "32"]


def test_real_model(minilm: str, tmp_path: Path, temp_config: Callable[[dict[str, Any]], None]) -> None:
    by_torch = EmbeddingModule.bootstrap(minilm)
    temp_config({"embedding": {"engine": "onnx"}})
    by_onnx = EmbeddingModule.bootstrap(minilm)
    np.testing.assert_allclose(rows(by_onnx)[0], rows(by_torch)[0], atol=1e-5)
    found = by_onnx.run_sentence_similarity(
        "The cat sits on the mat.", ["A cat is sitting on a rug.", "Stock markets fell sharply today."]
    )
    assert found.result.scores == [pytest.approx(0.769, abs=0.002), pytest.approx(0.046, abs=0.002)]
    assert found.input_token_count == 27


@pytest.mark.parametrize("kind", ["embedding", "cross-encoder"])
def test_one_command_makes_a_folder_for_the_engine(
    encoders: Path, tmp_path: Path, temp_config: Callable[[dict[str, Any]], None], kind: str
) -> None:
    from caikit_nlp.export import main

    source = encoders / ("sentence" if kind == "embedding" else "cross")
    folder = tmp_path / "m"
    assert main([str(source), str(folder), "--kind", kind]) == 0
    assert (folder / "artifacts" / "onnx" / "model.onnx").is_file()
    temp_config({"embedding": {"engine": "onnx"}})
    if kind == "embedding":
        expected = EmbeddingModule.load(str(folder))
        assert rows(expected)[0].shape == (3, 32)
    else:
        assert (
            len(CrossEncoderModule.load(str(folder)).run_rerank_query("a", DOCUMENTS[:2]).result.scores) == 2
        )


def test_the_command_tells_what_is_wrong(
    encoders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from caikit_nlp.export import main

    assert main([str(encoders / "sentence"), str(tmp_path)]) == 1
    assert "expected a directory that does not exist" in capsys.readouterr().err
    assert main(["never/there", str(tmp_path / "m")]) == 1
    assert "never/there" in capsys.readouterr().err
