"""The two modules that a span classification consists of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import alog

from caikit.core import ModuleBase, TaskBase
from caikit.core.exceptions import error_handler
from caikit.interfaces.nlp.data_model import Token, TokenClassificationResult, TokenizationResults
from caikit.interfaces.nlp.tasks import TextClassificationTask, TokenClassificationTask, TokenizationTask

__all__ = ["Classifier", "Splitter"]

error = error_handler.get(alog.use_channel("FILT_PARTS"))

_CLASSIFIER_TASKS: tuple[type[TaskBase], ...] = (TextClassificationTask, TokenClassificationTask)


class Splitter:
    """Cuts texts into spans with a module for TokenizationTask."""

    def __init__(self, tokenizer: ModuleBase) -> None:
        error.type_check("<NLP12578168E>", ModuleBase, tokenizer=tokenizer)
        if TokenizationTask not in type(tokenizer).tasks:
            error("<NLP12578169E>", TypeError("tokenizer does not implement TokenizationTask"))
        signature = tokenizer.get_inference_signature(
            input_streaming=False, output_streaming=False, task=TokenizationTask
        )
        name = signature.method_name if signature is not None else "run"
        self._tokenize: Callable[[str], TokenizationResults] = getattr(tokenizer, name or "run")

    def spans(self, text: str) -> list[Token]:
        """The spans of a text, in order."""
        return list(self._tokenize(text).results or ())


class Classifier:
    """Puts spans into classes with a module for classes of texts, or finds classified parts in whole texts."""

    def __init__(self, classifier: ModuleBase) -> None:
        error.type_check("<NLP12578170E>", ModuleBase, classifier=classifier)
        names = [task.__name__ for task in _CLASSIFIER_TASKS]
        tasks = [task for task in _CLASSIFIER_TASKS if task in type(classifier).tasks]
        if not tasks:
            error(
                "<NLP12578171E>", TypeError(f"classifier does not implement one of required tasks: {names}")
            )
        if len(tasks) > 1:
            error("<NLP12578172E>", TypeError(f"classifier should implement only one task in: {names}"))
        self._module = classifier
        self.needs_spans = tasks[0] is TextClassificationTask

    def of_spans(self, spans: list[Token]) -> list[list[TokenClassificationResult]]:
        """For each span what it is, one result per class."""
        if not spans:
            return []
        found: Any = self._module.run_batch([span.text for span in spans])
        return [
            [
                TokenClassificationResult(
                    start=span.start, end=span.end, word=span.text, entity=each.label, score=each.score
                )
                for each in classes.results or ()
            ]
            for span, classes in zip(spans, found, strict=True)
        ]

    def in_text(self, text: str) -> list[TokenClassificationResult]:
        """What is found in a text."""
        found: Any = self._module.run_batch([text])
        return list(found[0].results or ())
