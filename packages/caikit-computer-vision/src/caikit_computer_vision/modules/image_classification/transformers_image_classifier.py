"""Image classification with models of the transformers library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caikit.core import ModuleBase, ModuleConfig, module

from ...data_model import ImageClassification, ImageClassificationResult, ImageClassificationTask
from ...pretrained import Kind, Pretrained, load_folders, load_names, save_folders
from .._arguments import check_count

_KIND = Kind("image classifier", ("ImageClassification",), "image_classifier_artifacts")


@module(
    "7d0ce1a4-3f0a-4a56-9d1e-5b1a0a6c2f31",
    "Transformers AutoModelForImageClassification",
    "0.1.0",
    ImageClassificationTask,
)
class TransformersImageClassifier(ModuleBase):
    """Classifies images with ViT, ConvNeXt, DeiT and other models for image classification."""

    def __init__(
        self, model_name: str, image_processor: Any, classifier_model: Any, device: str | None = None
    ) -> None:
        """A processor and a model of the transformers library, which goes to the device."""
        super().__init__()
        self.model_name = model_name
        self.pretrained = Pretrained(image_processor, classifier_model, device)

    @classmethod
    def bootstrap(
        cls, model_name: str, improc_name: str | None = None, device: str | None = None
    ) -> TransformersImageClassifier:
        """From the folders, or the names in a hub, of a model and of its image processor."""
        return cls._of(model_name, load_names(_KIND, model_name, improc_name, device))

    @classmethod
    def load(cls, model_path: str | ModuleConfig, device: str | None = None) -> TransformersImageClassifier:
        config = ModuleConfig.load(model_path)
        return cls._of(config.model_name or "", load_folders(_KIND, config, device))

    def save(
        self,
        model_path: str,
        image_proc_dirname: str = "image_processor",
        classifier_dirname: str = "image_classifier",
    ) -> None:
        folders = (image_proc_dirname, classifier_dirname)
        save_folders(self, self.pretrained, _KIND, model_path, folders, model_name=self.model_name)

    def run(self, inputs: Any, top_k: int = 5) -> ImageClassificationResult:
        """The labels with the highest scores, at most `top_k`.

        Scores add up to 1 over all labels, unless the model was made for images with several labels.
        """
        return self.run_batch([inputs], top_k)[0]

    def run_batch(self, inputs: Sequence[Any], top_k: int = 5) -> tuple[ImageClassificationResult, ...]:
        """The labels of each of the images."""
        check_count("top_k", top_k)
        results: dict[int, ImageClassificationResult] = {}
        for group in self.pretrained.ask(inputs):
            for place, scores in zip(group.places, self._scores(group.outputs.logits), strict=True):
                results[place] = self._result(scores[:top_k])
        return tuple(results[place] for place in range(len(inputs)))

    @classmethod
    def _of(cls, model_name: str, pretrained: Pretrained) -> TransformersImageClassifier:
        return cls(model_name, pretrained.image_processor, pretrained.model, str(pretrained.device))

    def _scores(self, logits: Any) -> list[list[tuple[float, int]]]:
        """For each image, scores and numbers of all labels, the highest first."""
        several = self.pretrained.model.config.problem_type == "multi_label_classification"
        scores = logits.sigmoid() if several or logits.shape[-1] == 1 else logits.softmax(-1)
        return [
            sorted(((score, number) for number, score in enumerate(each)), key=lambda pair: -pair[0])
            for each in scores.tolist()
        ]

    def _result(self, scores: list[tuple[float, int]]) -> ImageClassificationResult:
        found = [ImageClassification(self.pretrained.label(number), score) for score, number in scores]
        return ImageClassificationResult(classifications=found, producer_id=self.PRODUCER_ID)
