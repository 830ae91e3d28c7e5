"""Classes of whole texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import caikit_nlp
from caikit_nlp.modules.text_classification import SequenceClassification
from caikit_nlp.resources.pretrained_model import HFAutoSequenceClassifier

TEXTS = ["cats and dogs", "The quick brown fox jumps over the lazy dog.", "a mouse " * 100, ""]


@pytest.fixture(scope="module")
def model(encoders: Path) -> SequenceClassification:
    return SequenceClassification.bootstrap(str(encoders / "classifier"))


def test_scores_are_what_the_library_computes(model: SequenceClassification, encoders: Path) -> None:
    from transformers import pipeline

    library = pipeline("text-classification", model=str(encoders / "classifier"), top_k=None, device="cpu")
    for text, found in zip(TEXTS, model.run_batch(TEXTS), strict=True):
        expected = {each["label"]: each["score"] for each in library([text], truncation=True)[0]}
        assert [each.label for each in found.results] == ["LABEL_0", "LABEL_1"]
        assert {each.label: each.score for each in found.results} == pytest.approx(expected, abs=1e-5)
        alone = model.run(text)
        assert [each.score for each in alone.results] == pytest.approx(
            [each.score for each in found.results], abs=1e-6
        )


def test_a_saved_folder(model: SequenceClassification, tmp_path: Path) -> None:
    model.save(str(tmp_path))
    assert (tmp_path / "sequence_classifier" / "config.yml").is_file()
    again = caikit_nlp.load(str(tmp_path))
    before, after = (each.run("cats").to_dict() for each in (model, again))
    assert before == after


def test_wrong_types(model: SequenceClassification) -> None:
    wrong: Any = 7
    with pytest.raises(TypeError):
        model.run(wrong)
    with pytest.raises(TypeError):
        model.run_batch([wrong])
    with pytest.raises(TypeError):
        SequenceClassification(wrong)


def test_nothing_to_classify(model: SequenceClassification) -> None:
    assert model.run_batch([]) == []


def test_the_resource(encoders: Path, tmp_path: Path) -> None:
    resource = HFAutoSequenceClassifier.bootstrap(str(encoders / "classifier"), torch_dtype="bfloat16")
    assert str(resource.model.dtype) == "torch.bfloat16"
    assert resource.TASK_TYPE == "SEQ_CLS"
    assert "bert" in resource.SUPPORTED_MODEL_TYPES
    assert resource.MODEL_TYPE.__name__ == "AutoModelForSequenceClassification"
    resource.save(str(tmp_path / "together"))
    resource.save(str(tmp_path / "apart"), tokenizer_dirname="words", base_model_dirname="weights")
    assert (tmp_path / "apart" / "words" / "tokenizer.json").is_file()
    assert (tmp_path / "apart" / "weights" / "config.json").is_file()
    for name in ("together", "apart"):
        again = HFAutoSequenceClassifier.load(str(tmp_path / name))
        assert str(again.model.dtype) == "torch.bfloat16"
        assert again.tokenizer.padding_side == "right"
        assert again.get_config().num_labels == 2
    saved = (tmp_path / "together" / "config.yml").read_text()
    for line in (
        "model_name: classifier",
        "padding_side: right",
        "tokenizer_artifacts: ./.",
        "model_artifacts: ./.",
    ):
        assert line in saved


def test_an_unknown_data_type(encoders: Path) -> None:
    with pytest.raises(ValueError, match="Unrecognized data type: float7"):
        HFAutoSequenceClassifier.bootstrap(str(encoders / "classifier"), torch_dtype="float7")


def test_a_model_without_a_trained_head(encoders: Path) -> None:
    with pytest.raises(
        ValueError, match=r"expected a trained Bert\w+ in .*, got one without 2 of the weights: clas"
    ):
        SequenceClassification.bootstrap(str(encoders / "bert"))
