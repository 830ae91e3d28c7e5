"""Data objects and tasks for language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from caikit.core.data_model import ProducerId
from caikit.core.data_model.json_dict import JsonDict
from caikit.interfaces.nlp import data_model as dm
from caikit.interfaces.nlp import tasks
from caikit.interfaces.nlp.data_model.classification import InputWarning, InputWarningReason

TOKEN = dm.GeneratedToken("a", -0.5, 3)
FOUND = dm.TokenClassificationResult(0, 1, "w", "e", "g", 0.5, 2)
BOTH_SIDES = dm.ClassifiedGeneratedTextResult.TextGenTokenClassificationResults([FOUND], [FOUND])
PRODUCER = ProducerId("p", "1.0.0")

OBJECTS = [
    dm.GeneratedTextResult(
        "text", 3, dm.FinishReason.STOP_SEQUENCE.value, PRODUCER, 4, 2**64 - 1, [TOKEN], [TOKEN]
    ),
    dm.GeneratedTextStreamResult(
        "text", [TOKEN], dm.TokenStreamDetails(4, 2**32 - 1, 5, 6), PRODUCER, [TOKEN]
    ),
    dm.ClassificationTrainRecord("text", ["a", "b"]),
    dm.ClassificationResults([dm.ClassificationResult("a", 0.25)]),
    dm.TokenClassificationStreamResult([FOUND], 5, 4),
    dm.ClassifiedGeneratedTextStreamResult(
        "text",
        BOTH_SIDES,
        dm.FinishReason.TIME_LIMIT.value,
        1,
        2,
        3,
        [InputWarning(InputWarningReason.UNSUITABLE_INPUT.value, "m")],
        [TOKEN],
        [TOKEN],
        7,
        8,
    ),
    dm.ChunkerTokenizationStreamResult([dm.Token(0, 4, "text")], 1, 2, 3, 4, 5),
    dm.RerankResults(
        [dm.RerankScores("q", [dm.RerankScore({"text": "d", "n": [1, None]}, 1, 0.5, "d")])], PRODUCER, 9
    ),
    dm.SentenceSimilarityResults([dm.SentenceSimilarityScores([0.5, 1.0])], PRODUCER, 2),
]


@pytest.mark.parametrize("data", OBJECTS, ids=lambda data: type(data).__name__)
def test_round_trips(data: Any) -> None:
    cls = type(data)
    assert cls.from_proto(data.to_proto()) == data
    assert cls.from_json(data.to_json()).to_json() == data.to_json()


def test_streams_extend_the_whole_results() -> None:
    assert issubclass(dm.TokenClassificationStreamResult, dm.TokenClassificationResults)
    assert issubclass(dm.ClassifiedGeneratedTextStreamResult, dm.ClassifiedGeneratedTextResult)
    assert issubclass(dm.TokenizationStreamResult, dm.TokenizationResults)
    assert issubclass(dm.ChunkerTokenizationStreamResult, dm.TokenizationStreamResult)


@pytest.mark.parametrize(
    ("task", "unary", "streamed", "output", "element"),
    [
        ("TextGenerationTask", {"text": str}, None, dm.GeneratedTextResult, dm.GeneratedTextStreamResult),
        ("TextClassificationTask", {"text": str}, None, dm.ClassificationResults, None),
        (
            "TokenClassificationTask",
            {"text": str},
            {"text_stream": str},
            dm.TokenClassificationResults,
            dm.TokenClassificationStreamResult,
        ),
        (
            "TokenizationTask",
            {"text": str},
            {"text_stream": str},
            dm.TokenizationResults,
            dm.TokenizationStreamResult,
        ),
        (
            "ClassificationWithTextGenerationTask",
            {"text": str},
            None,
            dm.ClassifiedGeneratedTextResult,
            dm.ClassifiedGeneratedTextStreamResult,
        ),
        ("EmbeddingTask", {"text": str}, None, dm.EmbeddingResult, None),
        ("EmbeddingTasks", {"texts": list[str]}, None, dm.EmbeddingResults, None),
        ("RerankTask", {"documents": list[JsonDict], "query": str}, None, dm.RerankResult, None),
        ("RerankTasks", {"documents": list[JsonDict], "queries": list[str]}, None, dm.RerankResults, None),
        (
            "SentenceSimilarityTask",
            {"source_sentence": str, "sentences": list[str]},
            None,
            dm.SentenceSimilarityResult,
            None,
        ),
        (
            "SentenceSimilarityTasks",
            {"source_sentences": list[str], "sentences": list[str]},
            None,
            dm.SentenceSimilarityResults,
            None,
        ),
        (
            "ChunkerTokenizationTask",
            {"text": str},
            {"text_stream": str, "input_index_stream": int},
            dm.TokenizationResults,
            dm.ChunkerTokenizationStreamResult,
        ),
    ],
)
def test_tasks(
    task: str, unary: dict[str, Any], streamed: dict[str, Any] | None, output: type, element: Any
) -> None:
    cls = getattr(tasks, task)
    assert cls.get_required_parameters(False) == unary
    assert cls.get_output_type(False) is output
    if streamed is None:
        with pytest.raises(ValueError, match="No streaming inputs"):
            cls.get_required_parameters(True)
    else:
        assert cls.get_required_parameters(True) == {name: Iterable[kind] for name, kind in streamed.items()}
    if element is None:
        with pytest.raises(ValueError, match="No streaming outputs"):
            cls.get_output_type(True)
    else:
        assert cls.get_output_type(True) == Iterable[element]


def test_all_tasks_are_listed() -> None:
    assert len(tasks.__all__) == 12
