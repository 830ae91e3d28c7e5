"""Image segmentation from Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

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


@pytest.mark.parametrize("size", [(60, 40), (1, 1), (7, 300), (3000, 2000)])
def test_semantic_segments_are_those_of_transformers(pretrained: Path, size: tuple[int, int]) -> None:
    segmenter = TransformersSegmenter.bootstrap(str(pretrained / "segformer"))
    columns, rows = size
    picture = PIL.Image.effect_noise(size, 90).convert("RGB")
    (group,) = segmenter.pretrained.ask([picture])
    (expected,) = segmenter.pretrained.image_processor.post_process_semantic_segmentation(
        group.outputs, target_sizes=[(rows, columns)]
    )
    numbers = segmenter.pretrained.numbers()
    found = np.full((rows, columns), -1)
    for segment in segmenter.run(picture, threshold=0.0).object_segments:
        found[segment.mask.as_numpy() > 0] = numbers[segment.label]
    differs = found != expected.numpy()
    logits = torch.nn.functional.interpolate(group.outputs.logits, size=(rows, columns), mode="bilinear")[0]
    first, second = logits.topk(2, dim=0).values.numpy()
    # Where two classes are equally likely, rounding decides.
    assert not differs[first - second > 1e-5].any()
    assert differs.mean() < 0.01


@pytest.mark.parametrize("name", ["mask2former", "panoptic-detr"])
def test_masks_of_many_queries_in_a_large_image(pretrained: Path, name: str) -> None:
    """They are made smaller than the image, and stretched."""
    segmenter = TransformersSegmenter.bootstrap(str(pretrained / name))
    with torch.no_grad():
        for parameter in segmenter.pretrained.model.parameters():
            parameter.mul_(3.0)
    picture = PIL.Image.effect_noise((6000, 4500), 90).convert("RGB")
    for segment in segmenter.run(picture, threshold=0.0).object_segments:
        assert (segment.mask.columns, segment.mask.rows) == (6000, 4500)
        assert segment.area == (segment.mask.as_numpy() > 0).sum()
        assert 0 <= segment.bbox.xmin < segment.bbox.xmax <= 6000
        assert 0 <= segment.bbox.ymin < segment.bbox.ymax <= 4500


MANY_LARGE_IMAGES = """
import io, resource, sys, threading
import PIL.Image
from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation, Mask2FormerImageProcessorPil
from transformers import SegformerConfig, SegformerForSemanticSegmentation, SegformerImageProcessorPil, SwinConfig
import caikit_computer_vision
from caikit_computer_vision.modules import TransformersSegmenter

def many_kinds():
    tiny = dict(hidden_sizes=[8, 8, 16, 16], depths=[1] * 4, num_attention_heads=[1] * 4, decoder_hidden_size=16)
    model = SegformerForSemanticSegmentation(SegformerConfig(**tiny, num_labels=150))
    processor = SegformerImageProcessorPil(size={"height": 64, "width": 64})
    return TransformersSegmenter("150 kinds", processor, model)

def many_queries():
    seen = SwinConfig(embed_dim=8, depths=[1] * 4, num_heads=[1] * 4, image_size=64, out_features=["stage1", "stage2", "stage3", "stage4"])
    tiny = dict(hidden_dim=32, feature_size=32, mask_feature_size=32, encoder_layers=1, decoder_layers=2)
    small = dict(encoder_feedforward_dim=16, dim_feedforward=16, num_attention_heads=1)
    config = Mask2FormerConfig(backbone_config=seen, num_queries=100, num_labels=8, **tiny, **small)
    processor = Mask2FormerImageProcessorPil(size={"height": 64, "width": 64})
    return TransformersSegmenter("100 queries", processor, Mask2FormerForUniversalSegmentation(config), "instance")

def segment(size):
    file = io.BytesIO()
    PIL.Image.new("RGB", size, "red").save(file, "PNG")
    results.append(segmenter.run(file.getvalue(), threshold=0.0))

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

segmenter = globals()[sys.argv[1]]()
results = []
segment((64, 64))
before = peak()
resource.setrlimit(resource.RLIMIT_AS, (12 * 2**30, 12 * 2**30))
size = tuple(map(int, sys.argv[2:]))
threads = [threading.Thread(target=segment, args=[size]) for _ in range(6)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(results), peak() - before)
"""


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("many_kinds", (6000, 6000)),  # all classes of all pixels of one alone would be 20 GiB
        ("many_queries", (1000, 700)),  # the masks of all queries of one are 280 MB, and are made twice
    ],
)
def test_many_large_images_take_little_memory(model: str, size: tuple[int, int]) -> None:
    command = [sys.executable, "-c", MANY_LARGE_IMAGES, model, *map(str, size)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    answered, megabytes = map(int, done.stdout.split())
    assert answered == 7, done.stderr
    assert megabytes < 1200


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
