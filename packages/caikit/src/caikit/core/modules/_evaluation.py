"""Measuring the quality of a module on a data set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import alog

from ..exceptions import error_handler
from ..toolkit.fileio import load_json
from ..toolkit.quality_evaluation import EvalTypes, QualityEvaluator

__all__ = ["EvaluationHooks", "EvaluationMixin", "Evaluator"]

error = error_handler.get(alog.use_channel("MODEVAL"))


class Evaluator(Protocol):
    """Compares what was predicted with what is right."""

    def run(
        self,
        evaluation_type: Any,
        find_label_func: Callable[..., Any] | None,
        find_label_data_func: Callable[..., Any] | None,
        detailed_metrics: bool,
        labels: list[Any] | None,
        partial_match_metrics: bool,
        max_hierarchy_levels: int,
        /,
    ) -> dict[str, Any]:
        """The report, by name of the metric."""


class EvaluationHooks(Protocol):
    """What `evaluate_quality` asks of a module.

    A module that can be evaluated sets `evaluation_type` and defines `_extract_gold_set` and `_extract_pred_set`; the
    other hooks have defaults, except those that find labels: multi-label evaluation calls them.
    """

    evaluation_type: ClassVar[EvalTypes | None]
    evaluator: ClassVar[Callable[[Any, Any], Evaluator]]

    @staticmethod
    def find_label_func(*args: Any, **kwargs: Any) -> Any:
        """The label of one item; for hierarchical labels, such a function for one level."""

    @staticmethod
    def find_label_data_func(*args: Any, **kwargs: Any) -> Any:
        """The items, out of those given, that have the given label."""

    def _extract_gold_set(self, dataset: Any) -> Any:
        """The right answers out of the content of the file."""

    def _extract_pred_set(
        self, dataset: Any, preprocess_func: Callable[..., Any] | None = None, **kwargs: Any
    ) -> Any:
        """The answers of the module to the same examples, in the same order."""

    def _extract_gold_annotations(self, gold_set: Any) -> Any:
        """What of the right answers is compared."""

    def _extract_pred_annotations(self, pred_set: Any) -> Any:
        """What of the module's answers is compared."""

    def _generate_report(self, report: dict[str, Any], gold_set: Any) -> dict[str, Any]:
        """The result of `evaluate_quality`."""


class EvaluationMixin:
    """Quality evaluation in terms of hooks that a module overrides."""

    evaluation_type: ClassVar[EvalTypes | None] = None
    evaluator: ClassVar[Callable[[Any, Any], Evaluator]] = QualityEvaluator

    def evaluate_quality(
        self,
        dataset_path: str,
        preprocess_func: Callable[..., Any] | None = None,
        detailed_metrics: bool = False,
        labels: list[Any] | None = None,
        partial_match_metrics: bool = False,
        max_hierarchy_levels: int = 3,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Compare the module's predictions for a `.json` data set with the answers that it holds."""
        dataset = _load_dataset(dataset_path)
        gold_set = self._extract_gold_set(dataset)
        prediction_set = self._extract_pred_set(dataset, preprocess_func, **kwargs)
        evaluator = type(self).evaluator(
            self._extract_gold_annotations(gold_set), self._extract_pred_annotations(prediction_set)
        )
        report = evaluator.run(
            self.evaluation_type,
            self.find_label_func,
            self.find_label_data_func,
            detailed_metrics,
            labels,
            partial_match_metrics,
            max_hierarchy_levels,
        )
        return self._generate_report(report, gold_set)

    @staticmethod
    def find_label_func(*args: Any, **kwargs: Any) -> Any:
        """The label of one item."""
        raise NotImplementedError("This is not available in this module.")

    @staticmethod
    def find_label_data_func(*args: Any, **kwargs: Any) -> Any:
        """The items that have a label."""
        raise NotImplementedError("This is not available in this module.")

    def _extract_gold_set(self, dataset: Any) -> Any:
        raise NotImplementedError("This is not available in this module.")

    def _extract_pred_set(
        self, dataset: Any, preprocess_func: Callable[..., Any] | None = None, **kwargs: Any
    ) -> Any:
        raise NotImplementedError("This is not available in this module.")

    def _extract_gold_annotations(self, gold_set: Any) -> Any:
        return gold_set

    def _extract_pred_annotations(self, pred_set: Any) -> Any:
        return pred_set

    def _generate_report(self, report: dict[str, Any], gold_set: Any) -> dict[str, Any]:
        return report


def _load_dataset(dataset_path: str) -> Any:
    error.type_check("<COR33285197E>", str, dataset_path=dataset_path)
    if not dataset_path.endswith(".json"):
        error("<COR81451234E>", ValueError(f"Unsure of how to load: {dataset_path}"))
    return load_json(dataset_path)
