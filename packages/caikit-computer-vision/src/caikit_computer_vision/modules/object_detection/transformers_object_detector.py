"""Object detection with models of the transformers library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from caikit.core import ModuleBase, ModuleConfig, module

from ...data_model import (
    BoundingBox,
    DetectedObject,
    ObjectDetectionResult,
    ObjectDetectionTask,
    ObjectDetectionTrainSet,
)
from ...pretrained import Kind, Pretrained, load_folders, load_names, save_folders
from .._arguments import check_threshold
from ._coco import read_examples, readable_path
from ._training import check_training, fine_tune

_KIND = Kind("object detector", ("ObjectDetection",), "object_detector_artifacts")


@module(
    "28dc918a-4e18-41c0-22a3-aa9c3c5caa11",
    "Transformers AutoModelForObjectDetection",
    "0.1.0",
    ObjectDetectionTask,
)
class TransformersObjectDetector(ModuleBase):
    """Finds objects with DETR, YOLOS, RT-DETR and other models for object detection."""

    def __init__(
        self, model_name: str, image_processor: Any, detector_model: Any, device: str | None = None
    ) -> None:
        """A processor and a model of the transformers library, which goes to the device."""
        super().__init__()
        self.model_name = model_name
        self.pretrained = Pretrained(image_processor, detector_model, device)

    @classmethod
    def bootstrap(
        cls, model_name: str, improc_name: str | None = None, device: str | None = None
    ) -> TransformersObjectDetector:
        """From the folders, or the names in a hub, of a model and of its image processor."""
        return cls._of(model_name, load_names(_KIND, model_name, improc_name, device))

    @classmethod
    def load(cls, model_path: str | ModuleConfig, device: str | None = None) -> TransformersObjectDetector:
        config = ModuleConfig.load(model_path)
        return cls._of(config.model_name or "", load_folders(_KIND, config, device))

    def save(
        self,
        model_path: str,
        image_proc_dirname: str = "image_processor",
        detector_dirname: str = "object_detector",
    ) -> None:
        folders = (image_proc_dirname, detector_dirname)
        save_folders(self, self.pretrained, _KIND, model_path, folders, model_name=self.model_name)

    def run(self, inputs: Any, threshold: float = 0.5) -> ObjectDetectionResult:
        """The objects whose scores are above the threshold.

        Inputs may be the bytes of an image file, a FlatImage, an Image, a path, a PIL image or an array of uint8. Boxes
        are in pixels of the image as it is shown, turned as its file says.
        """
        return self.run_batch([inputs], threshold)[0]

    def run_batch(self, inputs: Sequence[Any], threshold: float = 0.5) -> tuple[ObjectDetectionResult, ...]:
        """The objects in each of the images."""
        check_threshold(threshold)
        results: dict[int, ObjectDetectionResult] = {}
        for group in self.pretrained.ask(inputs):
            found = self.pretrained.image_processor.post_process_object_detection(
                group.outputs, threshold=threshold, target_sizes=group.sizes
            )
            for place, size, hits in zip(group.places, group.sizes, found, strict=True):
                results[place] = self._result(hits, size)
        return tuple(results[place] for place in range(len(inputs)))

    @classmethod
    def train(
        cls, model_path: str, train_data: ObjectDetectionTrainSet, num_epochs: int, learning_rate: float
    ) -> TransformersObjectDetector:
        """A model that has learnt from more images.

        It begins as the model in the folder (saved by caikit or by transformers) or of the name in a hub. If it does not
        know all categories of the labels file, it learns these and no others.
        """
        check_training(num_epochs, learning_rate)
        examples = read_examples(train_data)
        pretrained = _load_base(model_path)
        if not set(examples.labels) <= set(pretrained.numbers()):
            pretrained = _load_base(model_path, examples.labels)
        fine_tune(pretrained, examples, num_epochs, learning_rate)
        return cls._of(model_path, pretrained)

    @classmethod
    def _of(cls, model_name: str, pretrained: Pretrained) -> TransformersObjectDetector:
        return cls(model_name, pretrained.image_processor, pretrained.model, str(pretrained.device))

    def _result(self, hits: dict[str, Any], size: tuple[int, int]) -> ObjectDetectionResult:
        rows = zip(hits["scores"].tolist(), hits["labels"].tolist(), hits["boxes"].tolist(), strict=True)
        objects = [
            DetectedObject(score=score, label=self.pretrained.label(label), box=_box(edges, size))
            for score, label, edges in sorted(rows, key=lambda row: -row[0])
        ]
        return ObjectDetectionResult(detected_objects=objects, producer_id=self.PRODUCER_ID)


def _load_base(model_path: str, labels: Sequence[str] | None = None) -> Pretrained:
    folder = readable_path(model_path)
    if (folder / "config.yml").is_file():
        return load_folders(_KIND, ModuleConfig.load(str(folder)), labels=labels)
    return load_names(_KIND, str(folder) if folder.is_dir() else model_path, labels=labels)


def _box(edges: list[float], size: tuple[int, int]) -> BoundingBox:
    """Whole pixels inside the image."""
    rows, columns = size
    xmin, ymin, xmax, ymax = edges
    left, right = sorted((_within(xmin, columns), _within(xmax, columns)))
    top, bottom = sorted((_within(ymin, rows), _within(ymax, rows)))
    return BoundingBox(xmin=left, xmax=right, ymin=top, ymax=bottom)


def _within(position: float, size: int) -> int:
    return 0 if math.isnan(position) else round(min(max(position, 0), size))
