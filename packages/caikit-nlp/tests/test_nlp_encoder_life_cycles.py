"""Each module of encoders from the making of a model to its end: saved, loaded, served, called, taken away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import requests

import caikit
from caikit_nlp.modules.text_classification import SequenceClassification
from caikit_nlp.modules.text_embedding import CrossEncoderModule, EmbeddingModule
from caikit_nlp.modules.token_classification import FilteredSpanClassification
from caikit_nlp.modules.tokenization import RegexSentenceSplitter

TEXT = "The dragon hoarded gold. The cow ate grass."


@dataclass(frozen=True)
class Case:
    """How a module is made and called."""

    bootstrap: Callable[[Path, str], Any]
    method: str
    route: str
    inputs: Any
    told: Callable[[Any], Any]

    @property
    def rpc(self) -> str:
        return "".join(part.capitalize() for part in self.route.split("-")) + "TaskPredict"


def spans(folder: Path, pattern: str) -> FilteredSpanClassification:
    splitter = RegexSentenceSplitter.bootstrap(pattern)
    classifier = SequenceClassification.bootstrap(str(folder / "classifier"))
    return FilteredSpanClassification.bootstrap("en", splitter, classifier, 0.5)


CASES = {
    "EmbeddingModule": Case(
        lambda folder, _: EmbeddingModule.bootstrap(str(folder / "sentence")),
        "run_embedding",
        "embedding",
        TEXT[:20],
        lambda found: found.input_token_count,
    ),
    "CrossEncoderModule": Case(
        lambda folder, _: CrossEncoderModule.bootstrap(str(folder / "cross")),
        "run_tokenizer",
        "tokenization",
        TEXT,
        lambda found: [token.text for token in found.results],
    ),
    "RegexSentenceSplitter": Case(
        lambda _, pattern: RegexSentenceSplitter.bootstrap(pattern),
        "run",
        "tokenization",
        TEXT,
        lambda found: [token.text for token in found.results],
    ),
    "SequenceClassification": Case(
        lambda folder, _: SequenceClassification.bootstrap(str(folder / "classifier")),
        "run",
        "text-classification",
        TEXT,
        lambda found: [result.label for result in found.results],
    ),
    "FilteredSpanClassification": Case(
        spans,
        "run",
        "token-classification",
        TEXT,
        lambda found: [(result.start, result.end, result.entity) for result in found.results],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_life(
    encoder_servers: Any,
    saved_encoders: Path,
    encoders: Path,
    sentence_pattern: str,
    tmp_path: Path,
    name: str,
) -> None:
    case = CASES[name]
    model = case.bootstrap(encoders, sentence_pattern)
    expected = case.told(getattr(model, case.method)(case.inputs))
    assert expected
    model.save(str(tmp_path / "once"))
    loaded = caikit.load(str(tmp_path / "once"))
    assert type(loaded) is type(model)
    assert loaded.public_model_info == model.public_model_info
    # What was loaded is as good as what was made.
    model_id = f"life-of-{name}"
    loaded.save(str(saved_encoders / model_id))
    assert (
        case.told(getattr(caikit.load(str(saved_encoders / model_id)), case.method)(case.inputs)) == expected
    )

    answer = encoder_servers.post(case.route, model_id, case.inputs)
    assert answer.status_code == 200, answer.text
    message = encoder_servers.call(case.rpc, model_id, text=case.inputs)
    assert case.told(message) == expected

    url = f"{encoder_servers.url}/management/models"
    gone = requests.delete(url, params={"model_id": model_id}, timeout=30)
    assert gone.status_code == 200, gone.text
    assert encoder_servers.post(case.route, model_id, case.inputs).status_code == 404
    with pytest.raises(grpc.RpcError) as caught:
        encoder_servers.call(case.rpc, model_id, text=case.inputs)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
