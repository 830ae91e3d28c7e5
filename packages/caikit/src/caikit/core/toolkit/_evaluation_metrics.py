"""Counts of hits and misses, and the figures made of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = [
    "F1Metrics",
    "F1MetricsContainer",
    "container_to_dict",
    "find_partial_matches",
    "metrics_of_matrix",
    "precision_recall_f1",
    "ratio",
]


@dataclass
class F1Metrics:
    """The figures of one label, or of all: counts, and values from 0.0 to 1.0; None where it was not computed."""

    true_positive: int | None = None
    false_positive: int | None = None
    false_negative: int | None = None
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None


@dataclass
class F1MetricsContainer:
    """The figures per label, their mean (macro) and those of the summed counts (micro)."""

    per_class_confusion_matrix: dict[str, F1Metrics]
    macro_metrics: F1Metrics
    micro_metrics: F1Metrics


def ratio(part: float, whole: float) -> float:
    """0.0 of nothing."""
    return part / whole if whole else 0.0


def precision_recall_f1(
    true_positive: int, false_positive: int, false_negative: int
) -> tuple[float, float, float]:
    precision = ratio(true_positive, true_positive + false_positive)
    recall = ratio(true_positive, true_positive + false_negative)
    return precision, recall, ratio(2 * precision * recall, precision + recall)


def metrics_of_matrix(matrix: dict[str, F1Metrics]) -> F1MetricsContainer:
    """Fill in the figures of every label, and add up."""
    all_true = all_false = all_missed = 0
    for metrics in matrix.values():
        true, false, missed = (
            metrics.true_positive or 0,
            metrics.false_positive or 0,
            metrics.false_negative or 0,
        )
        metrics.precision, metrics.recall, metrics.f1 = precision_recall_f1(true, false, missed)
        all_true, all_false, all_missed = all_true + true, all_false + false, all_missed + missed
    macro = F1Metrics(
        precision=_mean(metrics.precision for metrics in matrix.values()),
        recall=_mean(metrics.recall for metrics in matrix.values()),
        f1=_mean(metrics.f1 for metrics in matrix.values()),
    )
    micro = F1Metrics(all_true, all_false, all_missed, *precision_recall_f1(all_true, all_false, all_missed))
    return F1MetricsContainer(matrix, macro, micro)


def container_to_dict(container: F1MetricsContainer) -> dict[str, Any]:
    macro, micro = container.macro_metrics, container.micro_metrics
    return {
        "per_class_confusion_matrix": {
            label: asdict(metrics) for label, metrics in container.per_class_confusion_matrix.items()
        },
        **{f"macro_{name}": value for name, value in asdict(macro).items()},
        "micro_precision": micro.precision,
        "micro_recall": micro.recall,
        "micro_f1": micro.f1,
        "overall_tp": micro.true_positive,
        "overall_fp": micro.false_positive,
        "overall_fn": micro.false_negative,
    }


def find_partial_matches(groundtruth: Iterable[Any], prediction: Iterable[Any]) -> tuple[set[Any], set[Any]]:
    """Which items of each side contain, or are contained in, an item of the other side, as whole words."""
    gold_items, predicted_items = list(groundtruth), list(prediction)
    texts: Mapping[Any, str] = {item: str(item).lower() for item in (*gold_items, *predicted_items)}
    pairs = [
        (gold, predicted)
        for gold in gold_items
        for predicted in predicted_items
        if _contains_words(texts[gold], texts[predicted]) or _contains_words(texts[predicted], texts[gold])
    ]
    return {gold for gold, _ in pairs}, {predicted for _, predicted in pairs}


def _contains_words(text: str, words: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text) is not None


def _mean(values: Iterable[float | None]) -> float:
    known = [value or 0.0 for value in values]
    return ratio(sum(known), len(known))
