"""Evaluations of whole data sets."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import alog

from ..exceptions import error_handler
from ._evaluation_metrics import (
    F1Metrics,
    F1MetricsContainer,
    container_to_dict,
    find_partial_matches,
    metrics_of_matrix,
    ratio,
)

__all__ = ["EvalTypes", "QualityEvaluator"]

error = error_handler.get(alog.use_channel("QUALEVAL"))

_MatchFunction = Callable[[Collection[Any], Collection[Any]], Any]
_Matrix = dict[str, F1Metrics]


class EvalTypes(enum.Enum):
    """What an example is labelled with."""

    SINGLELABEL_MULTICLASS = 1
    MULTILABEL_MULTICLASS = 2
    MULTILABEL_MULTICLASS_HIERARCHICAL = 3


class QualityEvaluator:
    """Compares predictions with the truth, example by example."""

    def __init__(self, gold: Sequence[Any], pred: Sequence[Any]) -> None:
        self.gold = gold
        self.pred = pred

    def run(
        self,
        evaluation_type: EvalTypes,
        find_label_func: Callable[..., Any] | None = None,
        find_label_data_func: Callable[..., Any] | None = None,
        detailed_metrics: bool = False,
        labels: Collection[str] | None = None,
        partial_match_metrics: bool = False,
        max_hierarchy_levels: int = 3,
    ) -> dict[str, Any]:
        """Precision, recall and F1, from 0.0 to 1.0, per label, as the mean over labels (macro) and of all (micro).

        With several labels per example, `find_label_func(item)` says which label an item has and
        `find_label_data_func(items, label)` which items have a label; a `find_label_func` that raises
        NotImplementedError leaves only the micro figures. `detailed_metrics` adds the figures of each example,
        `partial_match_metrics` those of items that contain each other as whole words.

        For hierarchical labels `find_label_func(level)` returns such a function; what is compared are the labels of
        a level, 1 to `max_hierarchy_levels`, and of None, which stands for all levels. The result has the keys
        "level_all", "level_1" and so on.

        `labels` restricts the evaluation to some labels. Gold and predictions of different lengths are an
        AssertionError.
        """
        if len(self.gold) != len(self.pred):
            error("<COR45120836E>", AssertionError("Length of gold and predicted datasets does not match"))
        if not isinstance(evaluation_type, EvalTypes):
            error("<COR81451123E>", ValueError(f"Unknown evaluation_type: {evaluation_type}"))
        if evaluation_type is EvalTypes.SINGLELABEL_MULTICLASS:
            return self._single_label(labels)
        if evaluation_type is EvalTypes.MULTILABEL_MULTICLASS:
            find_label, find_items = find_label_func or _itself, find_label_data_func or _items_with
            comparison = _MultiLabel(self.gold, self.pred, find_label, find_items)
            return comparison.run(detailed_metrics, labels, partial_match_metrics)
        make_find_label = find_label_func or (lambda level: _itself)
        return {
            "level_all" if level is None else f"level_{level}": self._labels_at(make_find_label(level)).run(
                detailed_metrics, labels, partial_match_metrics
            )
            for level in (None, *range(1, max_hierarchy_levels + 1))
        }

    @staticmethod
    def calc_f1_score(
        gold: Iterable[Any], pred: Iterable[Any], match_fun: _MatchFunction | None = None
    ) -> tuple[float, float, float]:
        """Precision, recall and F1 of two sets of items.

        `match_fun(gold, pred)` returns the items of each side that match; without it equal items match.
        """
        gold_items, predicted_items = set(gold), set(pred)
        matches = (match_fun or _equal_items)(gold_items, predicted_items)
        if not isinstance(matches, tuple) or len(matches) != 2:
            error("<COR60481275E>", ValueError("Match function not returning expected tuple format"))
        precision = ratio(len(matches[1]), len(predicted_items))
        recall = ratio(len(matches[0]), len(gold_items))
        return precision, recall, ratio(2 * precision * recall, precision + recall)

    @staticmethod
    def find_partial_matches(
        groundtruth: Iterable[Any], prediction: Iterable[Any]
    ) -> tuple[set[Any], set[Any]]:
        """The items of each side that contain an item of the other side, or are contained in one, word by word."""
        return find_partial_matches(groundtruth, prediction)

    @staticmethod
    def calc_metrics_from_confusion_matrix(matrix: _Matrix) -> F1MetricsContainer:
        """Fill in the figures of every label, and add up."""
        return metrics_of_matrix(matrix)

    @staticmethod
    def convert_F1MetricsContainer_to_dict(container: F1MetricsContainer) -> dict[str, Any]:  # noqa: N802 - documented
        """The flat form that `run` returns."""
        return container_to_dict(container)

    def _single_label(self, labels: Collection[str] | None) -> dict[str, Any]:
        pairs = zip(self.gold, self.pred, strict=True)
        matrix = _confusion_matrix((([gold], [predicted]) for gold, predicted in pairs), labels)
        return container_to_dict(metrics_of_matrix(matrix))

    def _labels_at(self, find_label: Callable[[Any], Any]) -> _MultiLabel:
        def labels_of(example: Iterable[Any]) -> list[Any]:
            return [label for label in map(find_label, example) if label is not None]

        return _MultiLabel(
            [labels_of(example) for example in self.gold],
            [labels_of(example) for example in self.pred],
            _itself,
            _items_with,
        )


class _MultiLabel:
    """Examples that are collections of items."""

    def __init__(
        self,
        gold: Sequence[Collection[Any]],
        pred: Sequence[Collection[Any]],
        find_label: Callable[[Any], Any],
        find_items: Callable[[Collection[Any], Any], Collection[Any]],
    ) -> None:
        self._pairs = list(zip(gold, pred, strict=True))
        self._find_label = find_label
        self._find_items = find_items

    def run(
        self, detailed_metrics: bool, labels: Collection[str] | None, partial_match_metrics: bool
    ) -> dict[str, Any]:
        result = container_to_dict(self._metrics(labels))
        result["detailed_metrics"] = (
            [self._details(*pair) for pair in self._pairs] if detailed_metrics else []
        )
        partial = self._partial(labels) if partial_match_metrics else (0.0, 0.0, 0.0)
        for name, value in zip(("precision", "recall", "f1"), partial, strict=True):
            result[f"micro_{name}_partial_match"] = value
        return result

    def _metrics(self, labels: Collection[str] | None) -> F1MetricsContainer:
        try:
            found = {self._find_label(item) for pair in self._pairs for items in pair for item in items}
        except NotImplementedError:
            if labels is not None:
                error(
                    "<COR19114599E>",
                    NotImplementedError("find_label_func must be implemented to use [labels]"),
                )
            return self._metrics_without_labels()
        matrix: _Matrix = {}
        for label in sorted(found, key=str) if labels is None else labels:
            pairs = [
                (self._find_items(gold, label), self._find_items(pred, label)) for gold, pred in self._pairs
            ]
            matrix[label] = _counts(pairs)
        return metrics_of_matrix(matrix)

    def _metrics_without_labels(self) -> F1MetricsContainer:
        totals = _counts(self._pairs)
        micro = metrics_of_matrix({"": totals}).micro_metrics
        return F1MetricsContainer({}, F1Metrics(precision=0.0, recall=0.0, f1=0.0), micro)

    def _partial(self, labels: Collection[str] | None) -> tuple[float, float, float]:
        gold_matched = pred_matched = gold_count = pred_count = 0
        for pair in self._pairs:
            gold, pred = (set(self._restricted(items, labels)) for items in pair)
            gold_matches, pred_matches = find_partial_matches(gold, pred)
            gold_matched, gold_count = gold_matched + len(gold_matches), gold_count + len(gold)
            pred_matched, pred_count = pred_matched + len(pred_matches), pred_count + len(pred)
        precision, recall = ratio(pred_matched, pred_count), ratio(gold_matched, gold_count)
        return precision, recall, ratio(2 * precision * recall, precision + recall)

    def _restricted(self, items: Collection[Any], labels: Collection[str] | None) -> Collection[Any]:
        return (
            items if labels is None else [item for label in labels for item in self._find_items(items, label)]
        )

    def _details(self, gold: Collection[Any], pred: Collection[Any]) -> dict[str, float]:
        exact = QualityEvaluator.calc_f1_score(gold, pred)
        partial = QualityEvaluator.calc_f1_score(gold, pred, find_partial_matches)
        names = ("precision", "recall", "f1")
        return {
            **{f"exact_match_{name}": value for name, value in zip(names, exact, strict=True)},
            **{f"partial_match_{name}": value for name, value in zip(names, partial, strict=True)},
        }


def _confusion_matrix(
    pairs: Iterable[tuple[Collection[Any], Collection[Any]]], labels: Collection[str] | None
) -> _Matrix:
    examples = list(pairs)
    known = (
        labels
        if labels is not None
        else sorted({item for pair in examples for items in pair for item in items}, key=str)
    )
    return {
        label: _counts([(_items_with(gold, label), _items_with(pred, label)) for gold, pred in examples])
        for label in known
    }


def _counts(pairs: Iterable[tuple[Collection[Any], Collection[Any]]]) -> F1Metrics:
    true_positive = false_positive = false_negative = 0
    for gold, pred in pairs:
        gold_items, predicted_items = set(gold), set(pred)
        true_positive += len(gold_items & predicted_items)
        false_positive += len(predicted_items - gold_items)
        false_negative += len(gold_items - predicted_items)
    return F1Metrics(true_positive, false_positive, false_negative)


def _equal_items(gold: Collection[Any], pred: Collection[Any]) -> tuple[set[Any], set[Any]]:
    common = set(gold) & set(pred)
    return common, common


def _itself(item: Any) -> Any:
    return item


def _items_with(items: Collection[Any], label: Any) -> list[Any]:
    return [item for item in items if item == label]
