"""Predictions compared with the truth."""

from __future__ import annotations

import pytest

from caikit.core import EvalTypes, F1Metrics, QualityEvaluator

approximately = pytest.approx


def test_single_label():
    result = QualityEvaluator(["a", "b", "a", "b"], ["b", "b", "b", "b"]).run(
        EvalTypes.SINGLELABEL_MULTICLASS
    )
    assert list(result) == [
        "per_class_confusion_matrix",
        "macro_true_positive",
        "macro_false_positive",
        "macro_false_negative",
        "macro_precision",
        "macro_recall",
        "macro_f1",
        "micro_precision",
        "micro_recall",
        "micro_f1",
        "overall_tp",
        "overall_fp",
        "overall_fn",
    ]
    assert result["per_class_confusion_matrix"]["a"] == {
        "true_positive": 0,
        "false_positive": 0,
        "false_negative": 2,
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0,
    }
    assert result["macro_true_positive"] is None
    assert (result["macro_precision"], result["macro_recall"]) == (0.25, 0.5)
    assert result["micro_f1"] == 0.5
    assert (result["overall_tp"], result["overall_fp"], result["overall_fn"]) == (2, 2, 2)


def test_single_label_restricted():
    evaluator = QualityEvaluator(["a", "b", "a", "b"], ["b", "b", "b", "b"])
    result = evaluator.run(EvalTypes.SINGLELABEL_MULTICLASS, labels=["b"])
    assert list(result["per_class_confusion_matrix"]) == ["b"]
    for kind in ("macro", "micro"):
        assert result[f"{kind}_precision"] == 0.5
        assert result[f"{kind}_recall"] == 1.0
        assert result[f"{kind}_f1"] == approximately(2 / 3)


GOLD = [[("new york", "place"), ("bob", "person")], [("rome", "place")]]
PREDICTED = [[("york", "place"), ("bob", "person")], []]


def find_label(item):
    return item[1]


def find_items(items, label):
    return [item for item in items if item[1] == label]


def test_multi_label():
    result = QualityEvaluator(GOLD, PREDICTED).run(
        EvalTypes.MULTILABEL_MULTICLASS, find_label, find_items, detailed_metrics=True
    )
    assert result["per_class_confusion_matrix"]["person"]["f1"] == 1.0
    assert result["per_class_confusion_matrix"]["place"]["false_negative"] == 2
    assert (result["overall_tp"], result["overall_fp"], result["overall_fn"]) == (1, 1, 2)
    assert [details["exact_match_recall"] for details in result["detailed_metrics"]] == [0.5, 0.0]
    assert result["micro_f1_partial_match"] == 0.0


def test_partial_matches():
    gold, predicted = [["new york", "bob"], ["rome"]], [["York", "bobby"], ["rome"]]
    result = QualityEvaluator(gold, predicted).run(
        EvalTypes.MULTILABEL_MULTICLASS, partial_match_metrics=True
    )
    assert result["micro_precision_partial_match"] == approximately(2 / 3)
    assert result["micro_recall_partial_match"] == approximately(2 / 3)
    assert QualityEvaluator.find_partial_matches(gold[0], predicted[0]) == ({"new york"}, {"York"})


def test_without_labels():
    def no_labels(item):
        raise NotImplementedError

    evaluator = QualityEvaluator([["a", "b"]], [["a"]])
    result = evaluator.run(EvalTypes.MULTILABEL_MULTICLASS, no_labels)
    assert result["per_class_confusion_matrix"] == {}
    assert result["macro_f1"] == 0.0
    assert (result["micro_precision"], result["micro_recall"]) == (1.0, 0.5)
    with pytest.raises(NotImplementedError, match=r"^find_label_func must be implemented to use \[labels\]$"):
        evaluator.run(EvalTypes.MULTILABEL_MULTICLASS, no_labels, labels=["a"])


def test_hierarchical():
    def find_label_at(level):
        return lambda item: "/".join(item.split("/")[:level])

    result = QualityEvaluator([["a/b", "a/c"]], [["a/b", "a/d"]]).run(
        EvalTypes.MULTILABEL_MULTICLASS_HIERARCHICAL, find_label_at, max_hierarchy_levels=2
    )
    assert list(result) == ["level_all", "level_1", "level_2"]
    assert result["level_1"]["micro_f1"] == 1.0
    assert result["level_all"]["micro_f1"] == 0.5


def test_wrong_input():
    with pytest.raises(ValueError, match=r"^Unknown evaluation_type: x$"):
        QualityEvaluator([], []).run("x")
    with pytest.raises(AssertionError, match=r"^Length of gold and predicted datasets does not match$"):
        QualityEvaluator([1], []).run(EvalTypes.SINGLELABEL_MULTICLASS)


def test_helpers():
    assert QualityEvaluator.calc_f1_score(["a", "b"], ["a"]) == (1.0, 0.5, approximately(2 / 3))
    with pytest.raises(ValueError, match=r"^Match function not returning expected tuple format$"):
        QualityEvaluator.calc_f1_score(["a"], ["a"], lambda gold, predicted: 5)
    halves = QualityEvaluator.calc_f1_score(["a", "b"], ["a", "c"], lambda gold, predicted: ({"a"}, {"a"}))
    assert halves == (0.5, 0.5, 0.5)
    assert QualityEvaluator.calc_f1_score([], []) == (0.0, 0.0, 0.0)
    matrix = {"a": F1Metrics(1, 1, 0)}
    container = QualityEvaluator.calc_metrics_from_confusion_matrix(matrix)
    assert matrix["a"].precision == 0.5
    assert QualityEvaluator.convert_F1MetricsContainer_to_dict(container)["micro_recall"] == 1.0
