"""Image segmentation from Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import caikit
from caikit_computer_vision.data_model import ImageSegmentationResult
from caikit_computer_vision.modules import TransformersSegmenter
from caikit_computer_vision.modules.segmentation._outline import outline

LOW = {"segformer": 0.0, "mask2former": 0.5, "panoptic-detr": 0.5}


@pytest.fixture(scope="module", params=LOW)
def segmenter(request: pytest.FixtureRequest, pretrained: Path) -> TransformersSegmenter:
    segmenter = TransformersSegmenter.bootstrap(str(pretrained / request.param))
    if request.param == "panoptic-detr":
        import torch

        # The masks of random weights are empty.
        with torch.no_grad():
            segmenter.pretrained.model.mask_head.output_conv.bias.fill_(8.0)
    return segmenter


def segments(
    segmenter: TransformersSegmenter, picture: Any, threshold: float = 0.0
) -> ImageSegmentationResult:
    return segmenter.run(picture, threshold=threshold)


def test_segments_are_described(segmenter: TransformersSegmenter, picture: Any) -> None:
    result = segments(segmenter, picture)
    assert result.object_segments
    assert result.producer_id.name == "Transformers AutoModel for image segmentation"
    for found in result.object_segments:
        assert found.mask.as_pil().mode == "L"
        mask = found.mask.as_numpy()
        assert mask.shape == (40, 60)
        assert set(np.unique(mask).tolist()) <= {0, 255}
        inside = mask == 255
        assert found.area == inside.sum() > 0
        rows, columns = np.nonzero(inside)
        box = found.bbox
        assert (box.xmin, box.xmax) == (columns.min(), columns.max() + 1)
        assert (box.ymin, box.ymax) == (rows.min(), rows.max() + 1)
        assert len(found.polygon) >= 8
        assert len(found.polygon) % 2 == 0
        assert found.label in {"cat", "dog"}
        assert 0 < found.score <= 1


def test_the_threshold_filters(segmenter: TransformersSegmenter, picture: Any) -> None:
    scores = [found.score for found in segments(segmenter, picture).object_segments]
    assert scores == sorted(scores, reverse=True)
    assert segments(segmenter, picture, 1.0).object_segments == []
    with pytest.raises(ValueError, match="expected a threshold between 0 and 1"):
        segments(segmenter, picture, 2.0)


def test_together_and_saved(segmenter: TransformersSegmenter, picture: Any, tmp_path: Path) -> None:
    pictures = [picture, picture.resize((33, 21))]
    segmenter.save(str(tmp_path / "model"))
    loaded = caikit.load(str(tmp_path / "model"))
    assert loaded.subtask == segmenter.subtask
    for model in (segmenter, loaded):
        results = model.run_batch(pictures, threshold=0.0)
        for each, result in zip(pictures, results, strict=True):
            single = segments(segmenter, each)
            expected = [found.score for found in single.object_segments]
            assert [found.score for found in result.object_segments] == pytest.approx(expected, abs=1e-4)
            sizes = {(found.mask.columns, found.mask.rows) for found in result.object_segments}
            assert sizes == {each.size}


def test_subtasks(pretrained: Path, picture: Any) -> None:
    folders = {name: str(pretrained / name) for name in LOW}
    assert TransformersSegmenter.bootstrap(folders["segformer"]).subtask == "semantic"
    assert TransformersSegmenter.bootstrap(folders["mask2former"]).subtask == "panoptic"
    segmenter = TransformersSegmenter.bootstrap(folders["mask2former"], subtask="instance")
    assert segmenter.run(picture, threshold=0.0).object_segments
    with pytest.raises(ValueError, match="expected semantic as subtask of this model, got 'panoptic'"):
        TransformersSegmenter.bootstrap(folders["segformer"], subtask="panoptic")


def test_semantic_segments_cover_the_image(pretrained: Path, picture: Any) -> None:
    result = TransformersSegmenter.bootstrap(str(pretrained / "segformer")).run(picture, threshold=0.0)
    assert sum(found.area for found in result.object_segments) == 60 * 40


def test_a_model_of_another_kind(pretrained: Path) -> None:
    with pytest.raises(ValueError, match="expected an image segmenter in"):
        TransformersSegmenter.bootstrap(str(pretrained / "vit"))


@pytest.mark.parametrize(
    ("drawing", "corners"),
    [
        (["#"], [0, 0, 1, 0, 1, 1, 0, 1]),
        (["....", ".##.", ".##."], [1, 1, 3, 1, 3, 3, 1, 3]),
        (["###", "#.#", "###"], [0, 0, 3, 0, 3, 3, 0, 3]),
        (["##", "#."], [0, 0, 2, 0, 2, 1, 1, 1, 1, 2, 0, 2]),
        (["##..", "##..", "..#."], [0, 0, 2, 0, 2, 2, 0, 2]),
        (["...", "..."], []),
    ],
)
def test_outlines(drawing: list[str], corners: list[float]) -> None:
    mask = np.array([[letter == "#" for letter in line] for line in drawing])
    found = outline(mask)
    start = next((place for place in range(0, len(found), 2) if found[place : place + 2] == corners[:2]), 0)
    assert found[start:] + found[:start] == corners


def test_noise_has_no_outline() -> None:
    assert outline(np.indices((400, 400)).sum(axis=0) % 2 == 0) == []


def test_outlines_enclose_what_they_should() -> None:
    random = np.random.default_rng(2)
    for _ in range(20):
        mask = random.random((9, 9)) < 0.6
        points = np.array(outline(mask)).reshape(-1, 2)
        x, y = points[:, 0], points[:, 1]
        area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
        assert 1 <= area <= 81
        assert area == int(area)
