"""Fine-tuning of object detectors."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import PIL.Image
import pytest

import caikit
from caikit_computer_vision.data_model import ObjectDetectionResult, ObjectDetectionTrainSet
from caikit_computer_vision.modules import TransformersObjectDetector

pytest.importorskip("scipy", reason="what training needs is absent")


def drawing(left: int, top: int, colour: str) -> PIL.Image.Image:
    picture = PIL.Image.new("RGB", (32, 32), "black")
    picture.paste(colour, (left, top, left + 12, top + 12))
    return picture


def write_examples(folder: Path, names: tuple[str, ...] = ("cat", "dog")) -> tuple[Path, Path]:
    """Red squares on the left are the first, green ones on the right the second; category numbers begin at 7."""
    images = folder / "images"
    images.mkdir()
    content: dict[str, Any] = {"images": [], "annotations": [], "categories": []}
    content["categories"] = [{"id": 7 + number, "name": name} for number, name in enumerate(names)]
    for number in range(8):
        kind, top = number % 2, 2 + 2 * number
        left = 2 + 16 * kind
        drawing(left, top, ("red", "green")[kind]).save(images / f"{number}.png")
        content["images"].append({"id": number, "file_name": f"{number}.png", "width": 32, "height": 32})
        box = {"image_id": number, "category_id": 7 + kind, "bbox": [left, top, 12, 12]}
        content["annotations"].append(box)
    (folder / "labels.json").write_text(json.dumps(content))
    return images, folder / "labels.json"


def train(
    model: Path, images: Path, labels: Path, epochs: int = 1, rate: float = 1e-3
) -> TransformersObjectDetector:
    found = TransformersObjectDetector.train(
        str(model), ObjectDetectionTrainSet(str(images), str(labels)), epochs, rate
    )
    assert isinstance(found, TransformersObjectDetector)
    return found


def test_place_shape_and_label_are_learnt(models: Path, tmp_path: Path) -> None:
    # All boxes are the same, as weights from nothing need thousands of steps to tell pictures apart.
    images, labels = write_examples(tmp_path, ("red square", "green square", "blue square"))
    content = json.loads(labels.read_text())
    for each in content["annotations"]:
        each.update(bbox=[2, 20, 16, 6], category_id=8)
    labels.write_text(json.dumps(content))
    trained = train(models / "yolos", images, labels, 60, 1e-3)
    trained.save(str(tmp_path / "model"))
    picture = drawing(2, 9, "red")
    found = trained.run(picture).detected_objects
    best = found[0]
    assert (best.label, best.score > 0.8) == ("green square", True)
    box = best.box
    assert np.allclose([box.xmin, box.xmax, box.ymin, box.ymax], [2, 18, 20, 26], atol=3)
    assert caikit.load(str(tmp_path / "model")).run(picture).detected_objects == found


def test_known_labels_are_kept(pretrained: Path, tmp_path: Path) -> None:
    images, labels = write_examples(tmp_path, ("dog", "cat"))
    trained = train(pretrained / "detr", images, labels)
    assert trained.pretrained.model.config.id2label == {0: "cat", 1: "dog"}
    assert not trained.pretrained.model.training
    before = TransformersObjectDetector.bootstrap(str(pretrained / "detr"))
    picture = drawing(2, 2, "red")
    assert trained.run(picture, 0.0) != before.run(picture, 0.0)


def test_the_model_that_it_began_with_stays(models: Path, tmp_path: Path) -> None:
    images, labels = write_examples(tmp_path)
    before = (models / "yolos" / "object_detector" / "model.safetensors").read_bytes()
    train(models / "yolos", images, labels)
    assert (models / "yolos" / "object_detector" / "model.safetensors").read_bytes() == before


def changed(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def write(labels: Path) -> None:
        content = json.loads(labels.read_text())
        change(content)
        labels.write_text(json.dumps(content))

    return write


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda labels: labels.unlink(), "expected a COCO file as labels_file, found none"),
        (lambda labels: labels.write_text("{"), "got no JSON"),
        (lambda labels: labels.write_text("[]"), "expected a JSON object"),
        (changed(lambda content: content.pop("images")), "expected a list of images"),
        (
            changed(lambda content: content["images"][1].pop("file_name")),
            r"expected file_name .* at images\[1\]",
        ),
        (
            changed(lambda content: content["images"][1].update(file_name="../labels.json")),
            "found none called",
        ),
        (changed(lambda content: content["images"][1].update(file_name="absent.png")), "found none called"),
        (
            changed(lambda content: content["images"][1].update(width=31)),
            "to be as large as the labels file says",
        ),
        (
            changed(lambda content: content["annotations"][0].update(bbox=[1, 2, 0, 4])),
            "expected left, top, width",
        ),
        (changed(lambda content: content["annotations"][0].update(bbox="no")), "expected left, top, width"),
        (changed(lambda content: content["annotations"][0].update(category_id=99)), "category_id 99"),
        (
            changed(lambda content: content["annotations"][0].update(image_id=[])),
            "expected numbers and texts",
        ),
        (changed(lambda content: content["annotations"].clear()), "expected annotations in the labels file"),
        (changed(lambda content: content["categories"][0].update(name="dog")), "with different names"),
        (
            lambda labels: (labels.parent / "images" / "3.png").write_bytes(b"none"),
            "3.png: expected an image file",
        ),
    ],
)
def test_bad_labels(models: Path, tmp_path: Path, damage: Callable[[Path], Any], problem: str) -> None:
    images, labels = write_examples(tmp_path)
    damage(labels)
    with pytest.raises(ValueError, match=problem):
        train(models / "yolos", images, labels)


@pytest.mark.parametrize(("epochs", "rate"), [(0, 1e-3), (-1, 1e-3), (1, 0.0), (1, 1e300), (1, float("nan"))])
def test_bad_numbers(models: Path, tmp_path: Path, epochs: int, rate: float) -> None:
    images, labels = write_examples(tmp_path)
    with pytest.raises(ValueError, match="expected"):
        train(models / "yolos", images, labels, epochs, rate)


def test_data_stays_in_its_folder(models: Path, tmp_path: Path, temp_config: Callable[..., None]) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    images, labels = write_examples(inside)
    shutil.copytree(models / "yolos", inside / "base")
    temp_config({"data_streams": {"file_source_base": str(inside)}})
    train(Path("base"), Path("images"), Path("labels.json"))
    train(inside / "base", images, labels)
    outside = tmp_path / "outside"
    outside.mkdir()
    paths = [
        (models / "yolos", images, labels),
        (inside / "base", outside, labels),
        (inside / "base", images, Path("../x")),
    ]
    for model, folder, file in paths:
        with pytest.raises(ValueError, match=r"in the folder of the setting data_streams\.file_source_base"):
            train(model, folder, file)


def test_through_the_server(served: SimpleNamespace, models: Path, tmp_path: Path) -> None:
    import requests

    images, labels = write_examples(tmp_path)
    name = f"trained-{tmp_path.name}"
    body = {
        "model_name": name,
        "parameters": {
            "model_path": str(models / "yolos"),
            "train_data": {"img_dir_path": str(images), "labels_file": str(labels)},
            "num_epochs": 1,
            "learning_rate": 0.0001,
        },
    }
    url = f"{served.url}/api/v1/ObjectDetectionTaskTransformersObjectDetectorTrain"
    answer = requests.post(url, json=body, timeout=20)
    assert answer.status_code == 200, answer.text
    deadline = time.monotonic() + 40
    status: dict[str, Any] = {"state": "QUEUED"}
    while status["state"] in ("QUEUED", "RUNNING"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
        query = {"training_id": answer.json()["training_id"]}
        status = requests.get(f"{served.url}/management/trainings", params=query, timeout=10).json()
    assert status["state"] == "COMPLETED", status
    trained = caikit.load(str(served.trained / name))
    assert isinstance(trained.run(np.zeros((9, 9, 3), np.uint8)), ObjectDetectionResult)
