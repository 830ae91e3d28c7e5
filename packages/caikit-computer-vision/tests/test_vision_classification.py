"""Image classification from Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import caikit
from caikit_computer_vision.modules import TransformersImageClassifier


@pytest.fixture(scope="module")
def classifier(pretrained: Path) -> TransformersImageClassifier:
    return TransformersImageClassifier.bootstrap(str(pretrained / "vit"))


def test_scores(classifier: TransformersImageClassifier, picture: Any) -> None:
    result = classifier.run(picture, top_k=100)
    scores = [found.score for found in result.classifications]
    assert {found.label for found in result.classifications} == set("abcdefg")
    assert sum(scores) == pytest.approx(1)
    assert scores == sorted(scores, reverse=True)
    assert result.producer_id.name == "Transformers AutoModelForImageClassification"


def test_as_many_as_wanted(classifier: TransformersImageClassifier, picture: Any) -> None:
    assert len(classifier.run(picture).classifications) == 5
    assert len(classifier.run(picture, top_k=2).classifications) == 2
    with pytest.raises(ValueError, match="expected at least 1 as top_k, got 0"):
        classifier.run(picture, top_k=0)


def test_several_labels_at_once(pretrained: Path, picture: Any, tmp_path: Path) -> None:
    classifier = TransformersImageClassifier.bootstrap(str(pretrained / "vit"))
    classifier.pretrained.model.config.problem_type = "multi_label_classification"
    assert sum(found.score for found in classifier.run(picture, 7).classifications) > 2
    classifier.save(str(tmp_path / "model"))
    assert (
        sum(found.score for found in caikit.load(str(tmp_path / "model")).run(picture, 7).classifications) > 2
    )


def test_together_and_saved(classifier: TransformersImageClassifier, picture: Any, tmp_path: Path) -> None:
    pictures = [picture, picture.rotate(90), picture.resize((5, 200))]
    singles = [classifier.run(each) for each in pictures]
    classifier.save(str(tmp_path / "model"))
    loaded = caikit.load(str(tmp_path / "model"))
    for results in (classifier.run_batch(pictures), loaded.run_batch(pictures)):
        for result, single in zip(results, singles, strict=True):
            expected = [found.score for found in single.classifications]
            assert [found.score for found in result.classifications] == pytest.approx(expected, abs=1e-5)


def test_a_model_of_another_kind(pretrained: Path) -> None:
    with pytest.raises(
        ValueError, match=r"expected an image classifier in .*yolos, got a model of the type yolos"
    ):
        TransformersImageClassifier.bootstrap(str(pretrained / "yolos"))
