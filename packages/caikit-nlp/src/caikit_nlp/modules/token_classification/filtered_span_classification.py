"""Classes of the spans of a text, without those that are not wanted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

import alog

from caikit.core import ModuleBase, ModuleConfig, ModuleLoader, ModuleSaver, module
from caikit.core.exceptions import error_handler
from caikit.interfaces.nlp.data_model import (
    TokenClassificationResult,
    TokenClassificationResults,
    TokenClassificationStreamResult,
)
from caikit.interfaces.nlp.tasks import TokenClassificationTask

from ._parts import Classifier, Splitter
from ._streamed import classify_stream

__all__ = ["FilteredSpanClassification"]

error = error_handler.get(alog.use_channel("FILT_SPAN"))

_TOKENIZER_KEY = "tokenizer"
_CLASSIFIER_KEY = "classification"


@module(
    id="42a7d920-8b7e-4e1f-81fb-8ab851a80c99",
    name="Filtered span classification",
    version="0.1.0",
    task=TokenClassificationTask,
)
class FilteredSpanClassification(ModuleBase):
    """Cuts a text into spans and classifies each; keeps classes with a high score and, if given, certain labels.

    A classifier that finds parts of texts itself gets the whole text.
    """

    def __init__(
        self,
        lang: str,
        tokenizer: ModuleBase,
        classifier: ModuleBase,
        default_threshold: float,
        labels_to_output: list[str] | None = None,
    ) -> None:
        super().__init__()
        error.type_check("<NLP12578173E>", str, lang=lang)
        self._splitter = Splitter(tokenizer)
        self._classifier = Classifier(classifier)
        error.type_check("<NLP12578174E>", float, default_threshold=default_threshold)
        error.type_check_all("<NLP12578175E>", str, allow_none=True, labels_to_output=labels_to_output)
        self.lang = lang
        self.tokenizer = tokenizer
        self.classifier = classifier
        self.default_threshold = default_threshold
        self.labels_to_output = labels_to_output

    @classmethod
    def bootstrap(
        cls,
        lang: str,
        tokenizer: ModuleBase,
        classifier: ModuleBase,
        default_threshold: float,
        labels_to_output: list[str] | None = None,
    ) -> FilteredSpanClassification:
        """A module of these parts.

        Args:
            lang: language of the texts
            tokenizer: module for TokenizationTask
            classifier: module for TextClassificationTask or TokenClassificationTask
            default_threshold: lowest score that is kept when a call says nothing
            labels_to_output: labels that are kept; by default all
        """
        return cls(lang, tokenizer, classifier, default_threshold, labels_to_output)

    @classmethod
    def load(cls, model_path: str | ModuleConfig) -> FilteredSpanClassification:
        """Load a saved model."""
        loader = ModuleLoader(model_path)
        labels = loader.load_arg("labels_to_output")
        return cls(
            loader.load_arg("language"),
            loader.load_module(_TOKENIZER_KEY),
            loader.load_module(_CLASSIFIER_KEY),
            loader.load_arg("default_threshold"),
            None if labels is None else list(labels),
        )

    def save(self, model_path: str | os.PathLike[str]) -> None:
        """Write the model with its parts into a directory."""
        saver = ModuleSaver(self, model_path=model_path)
        with saver:
            saver.save_module(self.tokenizer, _TOKENIZER_KEY)
            saver.save_module(self.classifier, _CLASSIFIER_KEY)
            saver.update_config(
                {
                    "language": self.lang,
                    "default_threshold": self.default_threshold,
                    "labels_to_output": self.labels_to_output,
                }
            )

    @TokenClassificationTask.taskmethod()
    def run(self, text: str, threshold: float | None = None) -> TokenClassificationResults:
        """What was found in a text with at least this score."""
        error.type_check("<NLP12578176E>", str, text=text)
        keep = self._filter(threshold)
        found: list[TokenClassificationResult] = []
        if text and self._classifier.needs_spans:
            for results in self._classifier.of_spans(self._splitter.spans(text)):
                found += results
        elif text:
            found = self._classifier.in_text(text)
        return TokenClassificationResults([each for each in found if keep(each)])

    @TokenClassificationTask.taskmethod(input_streaming=True, output_streaming=True)
    def run_bidi_stream(
        self, text_stream: Iterable[str], threshold: float | None = None
    ) -> Iterable[TokenClassificationStreamResult]:
        """The same for a text that arrives in pieces; results come as soon as nothing can change them."""
        return classify_stream(text_stream, self._splitter, self._classifier, self._filter(threshold))

    def _filter(self, threshold: float | None) -> Callable[[TokenClassificationResult], bool]:
        error.type_check("<NLP12578177E>", float, int, allow_none=True, threshold=threshold)
        lowest = self.default_threshold if threshold is None else threshold
        labels = frozenset(self.labels_to_output or ())
        return lambda each: each.score >= lowest and (not labels or each.entity in labels)
