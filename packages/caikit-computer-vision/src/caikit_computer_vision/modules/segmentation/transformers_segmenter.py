"""Image segmentation with models of the transformers library."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from caikit.core import ModuleBase, ModuleConfig, module
from caikit.interfaces.vision.data_model import Image

from ...data_model import BoundingBox, ImageSegmentationResult, ImageSegmentationTask, ObjectSegment
from ...images import pixels_in_turn
from ...pretrained import Kind, Pretrained, load_folders, load_names, save_folders
from .._arguments import check_threshold
from ._outline import outline
from ._segments import Segment, cost_of, pick_subtask, segments_of

_KIND = Kind(
    "image segmenter",
    ("UniversalSegmentation", "ImageSegmentation", "SemanticSegmentation"),
    "image_segmenter_artifacts",
)


@module(
    "c4c1b0f5-52a3-4b3c-8a35-0d8e21f96b47",
    "Transformers AutoModel for image segmentation",
    "0.1.0",
    ImageSegmentationTask,
)
class TransformersSegmenter(ModuleBase):
    """Divides images with Mask2Former, MaskFormer, DETR, SegFormer and other models for image segmentation."""

    def __init__(
        self,
        model_name: str,
        image_processor: Any,
        segmenter_model: Any,
        subtask: str | None = None,
        device: str | None = None,
    ) -> None:
        """A processor and a model of the transformers library, which goes to the device.

        The subtask is panoptic or instance for models that tell things apart, and semantic for others.
        """
        super().__init__()
        self.model_name = model_name
        self.pretrained = Pretrained(image_processor, segmenter_model, device)
        self.subtask = pick_subtask(self.pretrained, subtask)

    @classmethod
    def bootstrap(
        cls,
        model_name: str,
        improc_name: str | None = None,
        subtask: str | None = None,
        device: str | None = None,
    ) -> TransformersSegmenter:
        """From the folders, or the names in a hub, of a model and of its image processor."""
        return cls._of(model_name, load_names(_KIND, model_name, improc_name, device), subtask)

    @classmethod
    def load(cls, model_path: str | ModuleConfig, device: str | None = None) -> TransformersSegmenter:
        config = ModuleConfig.load(model_path)
        return cls._of(config.model_name or "", load_folders(_KIND, config, device), config.subtask)

    def save(
        self,
        model_path: str,
        image_proc_dirname: str = "image_processor",
        segmenter_dirname: str = "image_segmenter",
    ) -> None:
        folders = (image_proc_dirname, segmenter_dirname)
        config = {"model_name": self.model_name, "subtask": self.subtask}
        save_folders(self, self.pretrained, _KIND, model_path, folders, **config)

    def run(self, inputs: Any, threshold: float = 0.5) -> ImageSegmentationResult:
        """The segments whose scores are above the threshold, each with a mask as large as the image as it is shown.

        Masks of images with very many pixels, of which models see far fewer, are made smaller and stretched.
        """
        return self.run_batch([inputs], threshold)[0]

    def run_batch(self, inputs: Sequence[Any], threshold: float = 0.5) -> tuple[ImageSegmentationResult, ...]:
        """The segments of each of the images."""
        check_threshold(threshold)
        results: dict[int, ImageSegmentationResult] = {}
        for group in self.pretrained.ask(inputs):
            found = segments_of(self.pretrained, group, self.subtask, threshold)
            for number, (place, segments) in enumerate(zip(group.places, found, strict=True)):
                with pixels_in_turn(cost_of(group, number, self.subtask)):
                    results[place] = self._result(segments)
        return tuple(results[place] for place in range(len(inputs)))

    @classmethod
    def _of(cls, model_name: str, pretrained: Pretrained, subtask: str | None) -> TransformersSegmenter:
        processor, model = pretrained.image_processor, pretrained.model
        return cls(model_name, processor, model, subtask, str(pretrained.device))

    def _result(self, segments: Iterable[Segment]) -> ImageSegmentationResult:
        found = [_object_segment(segment, self.pretrained.label(segment.label)) for segment in segments]
        found.sort(key=lambda segment: -segment.score)
        return ImageSegmentationResult(object_segments=found, producer_id=self.PRODUCER_ID)


def _object_segment(segment: Segment, label: str) -> ObjectSegment:
    mask = segment.mask
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, right, top, bottom = int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1
    inside = mask[top:bottom, left:right]
    return ObjectSegment(
        score=segment.score,
        label=label,
        bbox=BoundingBox(xmin=left, xmax=right, ymin=top, ymax=bottom),
        area=int(np.count_nonzero(inside)),
        polygon=outline(inside, left, top),
        mask=_encoded(mask),
    )


def _encoded(mask: np.ndarray[Any, Any]) -> Image:
    """Its file: the pixels of many masks would be in memory until the answer is written."""
    return Image(Image(mask.view(np.uint8) * np.uint8(255)).image_data)
