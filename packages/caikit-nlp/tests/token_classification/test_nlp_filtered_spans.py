"""Classes of spans, of whole texts and of streamed ones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import caikit_nlp
from caikit.core import ModuleBase, module
from caikit.interfaces.nlp.data_model import (
    ClassificationResult,
    ClassificationResults,
    TokenClassificationResult,
    TokenClassificationResults,
)
from caikit.interfaces.nlp.tasks import TextClassificationTask, TokenClassificationTask
from caikit_nlp.modules.text_classification import SequenceClassification
from caikit_nlp.modules.token_classification import FilteredSpanClassification
from caikit_nlp.modules.tokenization import RegexSentenceSplitter

TWO = "The quick brown fox jumps over the lazy dog. Once upon a time in a land far away."
FOUR = "The dragon hoarded gold. The cow ate grass. What is happening? What a day!"


@module("0c1d6e4e-54b2-4d2f-9a76-6a1f3d1b9001", "NlpAnimals", "0.0.1", task=TokenClassificationTask)
class Animals(ModuleBase):
    """Finds animals, whatever is around them."""

    @TokenClassificationTask.taskmethod()
    def run(self, text: str) -> TokenClassificationResults:
        return TokenClassificationResults(
            [
                TokenClassificationResult(
                    start=found.start(), end=found.end(), word=found.group(), entity="animal", score=0.9
                )
                for found in re.finditer("fox|dog|cow|dragon", text)
            ]
        )


@module("0c1d6e4e-54b2-4d2f-9a76-6a1f3d1b9002", "NlpLengths", "0.0.1", task=TextClassificationTask)
class Lengths(ModuleBase):
    """Two classes with scores that are easy to tell."""

    @TextClassificationTask.taskmethod()
    def run(self, text: str) -> ClassificationResults:
        score = min(1.0, len(text) / 100)
        return ClassificationResults(
            [ClassificationResult("long", score), ClassificationResult("short", 1 - score)]
        )


@module(
    "0c1d6e4e-54b2-4d2f-9a76-6a1f3d1b9003",
    "NlpBoth",
    "0.0.1",
    tasks=[TextClassificationTask, TokenClassificationTask],
)
class Both(ModuleBase):
    """Too much."""

    @TextClassificationTask.taskmethod()
    def run_text(self, text: str) -> ClassificationResults:
        return ClassificationResults([])

    @TokenClassificationTask.taskmethod()
    def run_tokens(self, text: str) -> TokenClassificationResults:
        return TokenClassificationResults([])


@pytest.fixture
def splitter(sentence_pattern: str) -> RegexSentenceSplitter:
    return RegexSentenceSplitter.bootstrap(sentence_pattern)


def spans(found: Any) -> list[tuple[int, int, str]]:
    return [(each.start, each.end, each.entity) for each in found.results]


def streamed(model: FilteredSpanClassification, pieces: Iterable[str], **parameters: Any) -> list[Any]:
    return list(model.run_bidi_stream(iter(pieces), **parameters))


def test_spans_with_a_text_classifier(splitter: RegexSentenceSplitter) -> None:
    model = FilteredSpanClassification.bootstrap("en", splitter, Lengths(), 0.5)
    found = model.run(TWO)
    assert spans(found) == [(0, 44, "short"), (45, 81, "short")]
    assert found.results[0].word == TWO[:44]
    assert found.results[0].score == pytest.approx(0.56)
    assert spans(model.run(TWO, threshold=0)) == [
        (0, 44, "long"),
        (0, 44, "short"),
        (45, 81, "long"),
        (45, 81, "short"),
    ]
    assert spans(model.run(TWO, threshold=0.6)) == [(45, 81, "short")]
    assert model.run("").results == []


def test_only_some_labels(splitter: RegexSentenceSplitter) -> None:
    model = FilteredSpanClassification("en", splitter, Lengths(), 0.0, ["long"])
    assert spans(model.run(TWO)) == [(0, 44, "long"), (45, 81, "long")]
    assert spans(FilteredSpanClassification("en", splitter, Lengths(), 0.9, []).run(TWO)) == []


def test_a_token_classifier_sees_the_whole_text(splitter: RegexSentenceSplitter) -> None:
    model = FilteredSpanClassification("en", splitter, Animals(), 0.5)
    assert [(each.start, each.word) for each in model.run(TWO).results] == [(16, "fox"), (40, "dog")]
    assert model.run(TWO, threshold=1).results == []


@pytest.mark.parametrize(("text", "ends"), [(TWO, [44, 81]), (FOUR, [24, 43, 62, 74])])
@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_a_streamed_text(splitter: RegexSentenceSplitter, text: str, ends: list[int], size: int) -> None:
    model = FilteredSpanClassification("en", splitter, Lengths(), 0.5)
    found = streamed(model, [text[at : at + size] for at in range(0, len(text), size)])
    assert [each.processed_index for each in found] == ends
    assert [spans(each)[0] for each in found] == spans(model.run(text))
    assert all(each.results[0].word == text[each.results[0].start : each.results[0].end] for each in found)


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_a_streamed_text_with_a_token_classifier(splitter: RegexSentenceSplitter, size: int) -> None:
    model = FilteredSpanClassification("en", splitter, Animals(), 0.5)
    found = streamed(model, [TWO[at : at + size] for at in range(0, len(TWO), size)])
    assert [(each.processed_index, [one.word for one in each.results]) for each in found] == [
        (19, ["fox"]),
        (43, ["dog"]),
        (44, []),
        (81, []),
    ]
    assert [one for each in found for one in spans(each)] == spans(model.run(TWO))


def test_spans_come_as_soon_as_the_next_one_begins(splitter: RegexSentenceSplitter) -> None:
    model = FilteredSpanClassification("en", splitter, Lengths(), 0.0, ["short"])
    taken: list[str] = []

    def pieces() -> Iterable[str]:
        for piece in ("One. ", "Two. ", "Three."):
            taken.append(piece)
            yield piece

    results = iter(model.run_bidi_stream(pieces()))
    assert next(results).processed_index == 4
    assert taken == ["One. ", "Two. "]
    assert [each.processed_index for each in results] == [9, 16]


def test_what_is_filtered_moves_the_position(splitter: RegexSentenceSplitter) -> None:
    model = FilteredSpanClassification("en", splitter, Lengths(), 0.99)
    assert [(each.results, each.processed_index) for each in streamed(model, [TWO])] == [([], 44), ([], 81)]


@pytest.mark.parametrize("classifier", [Lengths(), Animals()])
def test_an_empty_stream(splitter: RegexSentenceSplitter, classifier: ModuleBase) -> None:
    model = FilteredSpanClassification("en", splitter, classifier, 0.5)
    for pieces in ([], [""]):
        (only,) = streamed(model, pieces)
        assert (only.results, only.processed_index) == ([], 0)


def test_a_saved_folder(splitter: RegexSentenceSplitter, encoders: Path, tmp_path: Path) -> None:
    classifier = SequenceClassification.bootstrap(str(encoders / "classifier"))
    model = FilteredSpanClassification.bootstrap("en", splitter, classifier, 0.25, ["LABEL_1"])
    model.save(str(tmp_path))
    for part in ("tokenizer", "classification"):
        assert (tmp_path / part / "config.yml").is_file()
    again = caikit_nlp.load(str(tmp_path))
    assert isinstance(again, FilteredSpanClassification)
    assert (again.lang, again.default_threshold, again.labels_to_output) == ("en", 0.25, ["LABEL_1"])
    assert again.run(TWO, threshold=0.0).to_dict() == model.run(TWO, threshold=0.0).to_dict()


def test_refusals(splitter: RegexSentenceSplitter) -> None:
    wrong: Any = 1
    text: Any = ["a", wrong]
    with pytest.raises(TypeError, match="tokenizer does not implement TokenizationTask"):
        FilteredSpanClassification("en", Lengths(), Lengths(), 0.5)
    with pytest.raises(TypeError, match="classifier does not implement one of required tasks: "):
        FilteredSpanClassification("en", splitter, splitter, 0.5)
    with pytest.raises(TypeError, match="classifier should implement only one task in: "):
        FilteredSpanClassification("en", splitter, Both(), 0.5)
    with pytest.raises(TypeError, match="default_threshold"):
        FilteredSpanClassification("en", splitter, Lengths(), wrong)
    model = FilteredSpanClassification("en", splitter, Lengths(), 0.5)
    with pytest.raises(TypeError, match="text"):
        model.run(wrong)
    with pytest.raises(TypeError, match="threshold"):
        model.run("a", threshold=text)
    with pytest.raises(TypeError, match="text_stream"):
        streamed(model, text)
