"""Object detection from Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import caikit
from caikit.interfaces.vision.data_model import Image
from caikit_computer_vision.data_model import FlatImage, ObjectDetectionResult
from caikit_computer_vision.modules import TransformersObjectDetector

KINDS = ["yolos", "detr"]


@pytest.fixture(scope="module", params=KINDS)
def detector(request: pytest.FixtureRequest, pretrained: Path) -> TransformersObjectDetector:
    return TransformersObjectDetector.bootstrap(str(pretrained / request.param))


def test_all_ways_to_give_an_image(
    detector: TransformersObjectDetector, picture: Any, png: bytes, tmp_path: Path
) -> None:
    (tmp_path / "picture.png").write_bytes(png)
    pixels = np.asarray(picture)
    sources = [
        Image(png),
        tmp_path / "picture.png",
        picture,
        pixels,
        FlatImage.from_numpy(pixels),
        bytearray(png),
    ]
    expected = detector.run(png)
    assert len(expected.detected_objects) > 2
    for source in sources:
        assert_same(detector.run(source), expected)


def test_boxes_lie_in_the_image(detector: TransformersObjectDetector, picture: Any) -> None:
    result = detector.run(picture, threshold=0.0)
    assert len(result.detected_objects) >= 5
    for found in result.detected_objects:
        box = found.box
        assert 0 <= box.xmin <= box.xmax <= 60
        assert 0 <= box.ymin <= box.ymax <= 40
        assert 0 <= found.score <= 1
        assert (found.object_segments, found.rle, found.anomaly) == (None, None, None)
    scores = [found.score for found in result.detected_objects]
    assert scores == sorted(scores, reverse=True)
    # The centres of random boxes are near the middle: rows and columns are not mixed up.
    widths = [found.box.xmax - found.box.xmin for found in result.detected_objects]
    heights = [found.box.ymax - found.box.ymin for found in result.detected_objects]
    assert sum(widths) / 60 == pytest.approx(sum(heights) / 40, rel=0.3)


def test_the_edges_of_boxes_have_the_right_names(pretrained: Path, picture: Any) -> None:
    import torch

    detector = TransformersObjectDetector.bootstrap(str(pretrained / "yolos"))
    last = detector.pretrained.model.bbox_predictor.layers[-1]
    with torch.no_grad():
        last.weight.zero_()
        # The logits of a box around (0.25, 0.5) that is half as wide as the image and 0.2 as high.
        last.bias.copy_(torch.logit(torch.tensor([0.25, 0.5, 0.5, 0.2])))
    box = detector.run(picture).detected_objects[0].box
    assert (box.xmin, box.xmax, box.ymin, box.ymax) == (0, 30, 16, 24)


def test_labels_are_names(detector: TransformersObjectDetector, picture: Any) -> None:
    labels = {found.label for found in detector.run(picture).detected_objects}
    assert labels <= {"cat", "dog"}
    assert labels


def test_classes_without_names_have_numbers(pretrained: Path, picture: Any) -> None:
    detector = TransformersObjectDetector.bootstrap(str(pretrained / "nameless"))
    assert {found.label for found in detector.run(picture).detected_objects} == {"0"}


def test_the_producer_is_set(detector: TransformersObjectDetector, picture: Any) -> None:
    producer = detector.run(picture).producer_id
    assert (producer.name, producer.version) == ("Transformers AutoModelForObjectDetection", "0.1.0")


def test_the_threshold_filters(detector: TransformersObjectDetector, picture: Any) -> None:
    all_scores = [found.score for found in detector.run(picture, threshold=0.0).detected_objects]
    middle = sorted(all_scores)[len(all_scores) // 2]
    some = detector.run(picture, threshold=middle).detected_objects
    assert [found.score for found in some] == [score for score in all_scores if score > middle]
    assert detector.run(picture, threshold=1.0).detected_objects == []


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_that_is_none(
    detector: TransformersObjectDetector, picture: Any, threshold: float
) -> None:
    with pytest.raises(ValueError, match="expected a threshold between 0 and 1"):
        detector.run(picture, threshold=threshold)


def test_images_of_several_sizes_together(detector: TransformersObjectDetector, picture: Any) -> None:
    pictures = [picture, picture.resize((33, 77)), picture.rotate(180)]
    results = detector.run_batch(pictures, threshold=0.2)
    for result, single in zip(results, map(detector.run, pictures), strict=True):
        assert_same(ObjectDetectionResult(result.detected_objects[: len(single.detected_objects)]), single)
    assert detector.run_batch([]) == ()


def test_saved_and_loaded(detector: TransformersObjectDetector, picture: Any, tmp_path: Path) -> None:
    detector.save(str(tmp_path / "model"))
    config = (tmp_path / "model" / "config.yml").read_text()
    assert "image_processor_artifacts: ./image_processor\n" in config
    assert "object_detector_artifacts: ./object_detector\n" in config
    assert f"model_name: {detector.model_name}\n" in config
    for loaded in (
        caikit.load(str(tmp_path / "model")),
        TransformersObjectDetector.load(str(tmp_path / "model")),
    ):
        assert isinstance(loaded, TransformersObjectDetector)
        assert loaded.model_name == detector.model_name
        assert_same(loaded.run(picture), detector.run(picture))


def test_folders_of_other_names(detector: TransformersObjectDetector, tmp_path: Path) -> None:
    detector.save(str(tmp_path / "model"), image_proc_dirname="one", detector_dirname="two")
    assert (tmp_path / "model" / "one" / "preprocessor_config.json").is_file()
    assert (tmp_path / "model" / "two" / "model.safetensors").is_file()
    assert TransformersObjectDetector.load(str(tmp_path / "model")).model_name == detector.model_name


def test_a_folder_of_the_published_library(pretrained: Path, picture: Any, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(pretrained / "yolos", tmp_path / "object_detector")
    shutil.copytree(pretrained / "yolos", tmp_path / "image_processor")
    (tmp_path / "config.yml").write_text(
        "caikit_computer_vision_version: 0.0.1\n"
        "image_processor_artifacts: ./image_processor\n"
        "model_name: hustvl/yolos-tiny\n"
        "module_class: caikit_computer_vision.modules.object_detection.TransformersObjectDetector\n"
        "module_id: 28dc918a-4e18-41c0-22a3-aa9c3c5caa11\n"
        "name: Transformers AutoModelForObjectDetection\n"
        "object_detector_artifacts: ./object_detector\n"
        "version: 0.1.0\n"
    )
    model = caikit.load(str(tmp_path))
    assert model.model_name == "hustvl/yolos-tiny"
    assert model.run(picture).detected_objects


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "expected image_processor_artifacts in the config.yml"),
        ("image_processor_artifacts: ./absent", "expected the folder './absent' in the model"),
        ("image_processor_artifacts: ../elsewhere", "expected a folder inside the model"),
        ("image_processor_artifacts: /tmp", "expected a folder inside the model"),
    ],
)
def test_folders_that_are_not_there(tmp_path: Path, line: str, problem: str) -> None:
    (tmp_path / "config.yml").write_text(f"module_id: 28dc918a-4e18-41c0-22a3-aa9c3c5caa11\n{line}\n")
    with pytest.raises((ValueError, FileNotFoundError), match=problem):
        TransformersObjectDetector.load(str(tmp_path))


def test_nothing_is_downloaded_by_default() -> None:
    with pytest.raises(FileNotFoundError, match="the setting allow_downloads lets models be fetched"):
        TransformersObjectDetector.bootstrap("some-organisation/some-model")


def test_a_processor_of_another_name(pretrained: Path, picture: Any) -> None:
    names = str(pretrained / "detr"), str(pretrained / "yolos")
    detector = TransformersObjectDetector.bootstrap(*names)
    assert type(detector.pretrained.image_processor).__name__.startswith("Yolos")


def test_a_model_of_another_kind(pretrained: Path) -> None:
    with pytest.raises(
        ValueError, match=r"expected an object detector in .*vit, got a model of the type vit"
    ):
        TransformersObjectDetector.bootstrap(str(pretrained / "vit"))


def test_weights_that_are_missing_are_not_invented(pretrained: Path, tmp_path: Path) -> None:
    from transformers import YolosConfig, YolosImageProcessorPil, YolosModel

    YolosModel(YolosConfig.from_pretrained(pretrained / "yolos")).save_pretrained(tmp_path)
    YolosImageProcessorPil().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"got one without .* of the weights: bbox_predictor"):
        TransformersObjectDetector.bootstrap(str(tmp_path))


@pytest.mark.parametrize("device", ["cuda:77", "no-device"])
def test_a_device_that_is_not_there(pretrained: Path, device: str) -> None:
    with pytest.raises(ValueError, match="expected a device of this machine, got"):
        TransformersObjectDetector.bootstrap(str(pretrained / "yolos"), device=device)


def test_the_device_is_a_setting(pretrained: Path, temp_config: Callable[[dict[str, Any]], None]) -> None:
    temp_config({"computer_vision": {"device": "no-device"}})
    with pytest.raises(ValueError, match="expected a device of this machine, got 'no-device'"):
        TransformersObjectDetector.bootstrap(str(pretrained / "yolos"))
    detector = TransformersObjectDetector.bootstrap(str(pretrained / "yolos"), device="cpu")
    assert str(detector.pretrained.device) == "cpu"


def test_no_gradients_and_one_thread(detector: TransformersObjectDetector) -> None:
    import torch

    assert torch.get_num_threads() == 1
    assert not detector.pretrained.model.training


def test_images_that_no_model_can_use(pretrained: Path, picture: Any) -> None:
    detector = TransformersObjectDetector.bootstrap(str(pretrained / "detr"))
    with pytest.raises(ValueError, match="expected an image that fits the model, got 4000 x 1 pixels"):
        detector.run(picture.resize((4000, 1)))
    assert detector.run(picture.resize((1, 1))).detected_objects


def assert_same(result: ObjectDetectionResult, expected: ObjectDetectionResult) -> None:
    one, two = result.detected_objects, expected.detected_objects
    assert [(found.label, found.box) for found in one] == [(found.label, found.box) for found in two]
    assert [found.score for found in one] == pytest.approx([found.score for found in two], abs=1e-4)
