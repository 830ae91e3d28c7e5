"""Classes of whole texts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import alog

from caikit.core import ModuleBase, ModuleConfig, ModuleLoader, ModuleSaver, module
from caikit.core.exceptions import error_handler
from caikit.interfaces.nlp.data_model import ClassificationResult, ClassificationResults
from caikit.interfaces.nlp.tasks import TextClassificationTask

from ...resources.pretrained_model import HFAutoSequenceClassifier, PretrainedModelBase
from ...toolkit._batches import compute_in_batches
from ...toolkit._fast_tokenizer import text_tokenizer

if TYPE_CHECKING:
    from ...toolkit._batches import Features, Rows

__all__ = ["SequenceClassification"]

error = error_handler.get(alog.use_channel("SEQ_CLASS"))

_BATCH_SIZE = 32
_CLASSIFIER_KEY = "sequence_classifier"


@module(
    id="d21107ca-d579-4321-aedd-3099a526e0dd",
    name="Sequence classification",
    version="0.1.0",
    task=TextClassificationTask,
)
class SequenceClassification(ModuleBase):
    """Texts in classes, by a transformers model; a text that is too long for the model is cut."""

    def __init__(self, classifier: PretrainedModelBase) -> None:
        super().__init__()
        error.type_check("<NLP74125820E>", PretrainedModelBase, classifier=classifier)
        self.classifier = classifier
        config = classifier.get_config()
        self._labels = {int(index): label for index, label in (config.id2label or {}).items()}
        self._tokens = text_tokenizer(classifier.tokenizer)
        self._names = frozenset(classifier.tokenizer.model_input_names)
        longest = getattr(config, "max_position_embeddings", None) or classifier.tokenizer.model_max_length
        self._max_length = min(longest, classifier.tokenizer.model_max_length)

    @classmethod
    def bootstrap(cls, base_model_path: str) -> SequenceClassification:
        """A module around a model of the transformers library: a directory or a name."""
        return cls(HFAutoSequenceClassifier.bootstrap(base_model_path))

    @classmethod
    def load(cls, model_path: str | ModuleConfig) -> SequenceClassification:
        """Load a saved model."""
        classifier = ModuleLoader(model_path).load_module(_CLASSIFIER_KEY)
        error.type_check("<NLP74125821E>", PretrainedModelBase, classifier=classifier)
        assert isinstance(classifier, PretrainedModelBase)  # noqa: S101  (the line above, for type checkers)
        return cls(classifier)

    def save(self, model_path: str | os.PathLike[str]) -> None:
        """Write the model into a directory."""
        saver = ModuleSaver(self, model_path=model_path)
        with saver:
            saver.save_module(self.classifier, _CLASSIFIER_KEY)

    @TextClassificationTask.taskmethod()
    def run(self, text: str) -> ClassificationResults:
        """The classes of a text with their scores, in the model's order."""
        error.type_check("<NLP74125822E>", str, text=text)
        return self.run_batch([text])[0]

    def run_batch(  # type: ignore[override]  # what `run` takes, in lists
        self, text: list[str]
    ) -> list[ClassificationResults]:
        """The same for each of several texts, computed together."""
        error.type_check("<NLP74125823E>", list, tuple, text=text)
        error.type_check_all("<NLP74125824E>", str, text=text)
        encoded = self._tokens.encode(text, [self._max_length] * len(text))
        scores = compute_in_batches(encoded, _BATCH_SIZE, self._tokens.pad_id, self._scores, on_cpu=True)
        return [
            ClassificationResults(
                [
                    ClassificationResult(label=self._labels.get(index, str(index)), score=score)
                    for index, score in enumerate(row)
                ]
            )
            for row in scores.tolist()
        ]

    def _scores(self, features: Features) -> Rows:
        import torch

        model = self.classifier.model
        tensors = {name: torch.from_numpy(values) for name, values in features.items() if name in self._names}
        with torch.inference_mode():
            logits = model(**tensors).logits
            error.value_check(
                "<NLP74125825E>",
                logits.ndim == 2 and len(logits) == len(features["input_ids"]),
                "model logits expected to be of shape (num_texts, num_labels)",
            )
            scores: Rows = torch.softmax(logits.float(), dim=-1).cpu().numpy()
        return scores
