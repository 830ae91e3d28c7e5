"""Texts of a text generation server through the module."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import caikit
from caikit.core.exceptions.caikit_core_exception import CaikitCoreException, CaikitCoreStatusCode
from caikit.interfaces.nlp.data_model import FinishReason
from caikit_nlp.data_model import ExponentialDecayLengthPenalty
from caikit_nlp.modules.text_generation import TextGeneration, TextGenerationTGIS
from caikit_tgis_backend import TGISBackend
from caikit_tgis_backend.protobufs import generation_pb2

CLOSED = "The underlying TCP connection is closed"


@pytest.fixture
def model(backend: TGISBackend) -> TextGenerationTGIS:
    return TextGenerationTGIS.bootstrap("llama", load_backend=backend)


def test_a_text(model: TextGenerationTGIS, texts: Any) -> None:
    found = model.run("The cow ate", max_new_tokens=3)
    assert found.generated_text == " gold grass dragon"
    assert (found.generated_tokens, found.input_token_count) == (3, 3)
    assert found.finish_reason is FinishReason.MAX_TOKENS
    assert found.producer_id == TextGeneration.PRODUCER_ID
    assert (found.seed, found.tokens, found.input_tokens) == (None, [], [])
    [request] = texts.servicer.requests
    assert (request.model_id, request.HasField("prefix_id")) == ("llama", False)
    assert request.params == generation_pb2.Parameters(
        stopping=generation_pb2.StoppingCriteria(max_new_tokens=3),
        response=generation_pb2.ResponseOptions(),
        decoding=generation_pb2.DecodingParameters(),
    )


def test_all_parameters(model: TextGenerationTGIS, texts: Any) -> None:
    found = model.run(
        "The cow ate",
        max_new_tokens=4,
        min_new_tokens=1,
        truncate_input_tokens=2,
        decoding_method="SAMPLING",
        top_k=5,
        top_p=0.5,
        typical_p=0.25,
        temperature=0.75,
        repetition_penalty=1.5,
        max_time=1.5,
        exponential_decay_length_penalty=ExponentialDecayLengthPenalty(start_index=2, decay_factor=1.25),
        stop_sequences=["grass"],
        seed=2**64 - 1,
        preserve_input_text=True,
        input_tokens=True,
        generated_tokens=True,
        token_logprobs=True,
        token_ranks=True,
        include_stop_sequence=False,
    )
    assert found.generated_text == "The cow ate gold grass"
    assert (found.seed, found.finish_reason) == (2**64 - 1, FinishReason.STOP_SEQUENCE)
    assert [(token.text, token.logprob, token.rank) for token in found.tokens or ()] == [
        ("gold", -0.5, 1),
        ("grass", -1.0, 2),
    ]
    assert [token.text for token in found.input_tokens or ()] == ["cow", "ate"]
    [request] = texts.servicer.requests
    parts = generation_pb2
    assert request.params == parts.Parameters(
        method=parts.SAMPLE,
        sampling=parts.SamplingParameters(
            temperature=0.75, top_k=5, top_p=0.5, typical_p=0.25, seed=2**64 - 1
        ),
        stopping=parts.StoppingCriteria(
            max_new_tokens=4,
            min_new_tokens=1,
            time_limit_millis=1500,
            stop_sequences=["grass"],
            include_stop_sequence=False,
        ),
        response=parts.ResponseOptions(
            input_text=True, generated_tokens=True, input_tokens=True, token_logprobs=True, token_ranks=True
        ),
        decoding=parts.DecodingParameters(
            repetition_penalty=1.5,
            length_penalty=parts.DecodingParameters.LengthPenalty(start_index=2, decay_factor=1.25),
        ),
        truncate_input_tokens=2,
    )


def test_a_stream(model: TextGenerationTGIS) -> None:
    pieces = list(model.run_stream_out("The cow", max_new_tokens=2, generated_tokens=True, input_tokens=True))
    assert [piece.generated_text for piece in pieces] == ["", " gold", " grass"]
    assert [piece.details.generated_tokens for piece in pieces if piece.details] == [0, 1, 2]
    assert {(piece.details.seed, piece.details.input_token_count) for piece in pieces if piece.details} == {
        (42, 2)
    }
    assert [piece.details.finish_reason.name for piece in pieces if piece.details] == [
        "NOT_FINISHED",
        "NOT_FINISHED",
        "MAX_TOKENS",
    ]
    assert [[token.text for token in piece.tokens or ()] for piece in pieces] == [[], ["gold"], ["grass"]]
    assert [token.text for token in pieces[0].input_tokens or ()] == ["The", "cow"]


def test_who_stops_reading_ends_the_call(model: TextGenerationTGIS, texts: Any) -> None:
    stream: Any = model.run_stream_out("!hang on", max_new_tokens=9)
    assert [next(stream).generated_text for _ in range(2)] == ["", " gold"]
    stream.close()
    assert texts.servicer.cancelled.wait(10)


def test_tokens(model: TextGenerationTGIS) -> None:
    assert model.run_tokenizer("The cow ate").token_count == 3
    assert model.run_tokenizer("").token_count == 0


REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"max_new_tokens": 1, "min_new_tokens": 2},
        r"Maximum new tokens \[1\] has to be greater than minimum new tokens \[2\]",
    ),
    ({"decoding_method": "X"}, r"Decoding method \[X\] not in valid decoding methods: .*GREEDY.*SAMPLING"),
    ({"decoding_method": "SAMPLING", "temperature": 0.01}, r"temperature must be >= 0\.05"),
    ({"decoding_method": "SAMPLING", "temperature": math.nan}, r"temperature must be >= 0\.05"),
    ({"decoding_method": "SAMPLING", "top_p": 1.5}, r"top_p must be > 0\.0 and <= 1\.0"),
    ({"decoding_method": "SAMPLING", "top_p": -0.5}, r"top_p must be > 0\.0 and <= 1\.0"),
    ({"decoding_method": "SAMPLING", "top_k": -1}, "top_k must be strictly positive"),
    ({"decoding_method": "SAMPLING", "typical_p": 1.5}, r"typical_p must be <= 1\.0"),
    ({"repetition_penalty": -0.5}, r"repetition_penalty must be > 0\.0"),
    ({"truncate_input_tokens": -1}, r"truncate_input_tokens must be >= 0"),
    ({"max_new_tokens": -1, "min_new_tokens": -2}, "max_new_tokens must be >= 0"),
    ({"max_new_tokens": 2**32}, r"max_new_tokens must be >= 0 and < 2\*\*32"),
    ({"max_time": -1.0}, r"max_time must be >= 0\.0"),
    ({"max_time": math.inf}, r"max_time must be >= 0\.0"),
    ({"exponential_decay_length_penalty": (1, 0.5)}, r"decay_factor .* must be >= 1\.0 and <= 10\.0"),
    ({"temperature": 0.5}, "aren't applicable in greedy decoding mode"),
    ({"top_k": 3}, "aren't applicable in greedy decoding mode"),
    ({"top_p": 0.5}, "aren't applicable in greedy decoding mode"),
    ({"seed": 3}, "aren't applicable in greedy decoding mode"),
]


@pytest.mark.parametrize(("parameters", "message"), REFUSED)
@pytest.mark.parametrize("method", ["run", "run_stream_out"])
def test_refused_before_the_call(
    model: TextGenerationTGIS, texts: Any, method: str, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(model, method)("a", **parameters)
    assert texts.servicer.requests == []


@pytest.mark.parametrize(
    "parameters",
    [{"temperature": 1}, {"max_new_tokens": "1"}, {"stop_sequences": [1]}, {"stop_sequences": "a"}],
)
def test_wrong_types(model: TextGenerationTGIS, parameters: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        model.run("a", **parameters)
    number: Any = 1
    with pytest.raises(TypeError):
        model.run(number)
    with pytest.raises(TypeError, match="unheard_of"):
        model.run("a", unheard_of=1)


def test_what_has_no_effect_is_no_mistake(model: TextGenerationTGIS) -> None:
    assert model.run("a", temperature=1.0, top_k=0, top_p=1.0, repetition_penalty=0.0, typical_p=0.0)


STATUSES = {
    "CANCELLED": "CONNECTION_ERROR",
    "DEADLINE_EXCEEDED": "CONNECTION_ERROR",
    "ABORTED": "CONNECTION_ERROR",
    "UNAVAILABLE": "CONNECTION_ERROR",
    "DATA_LOSS": "CONNECTION_ERROR",
    "INVALID_ARGUMENT": "INVALID_ARGUMENT",
    "ALREADY_EXISTS": "INVALID_ARGUMENT",
    "RESOURCE_EXHAUSTED": "INVALID_ARGUMENT",
    "FAILED_PRECONDITION": "INVALID_ARGUMENT",
    "OUT_OF_RANGE": "INVALID_ARGUMENT",
    "NOT_FOUND": "NOT_FOUND",
    "PERMISSION_DENIED": "FORBIDDEN",
    "UNAUTHENTICATED": "UNAUTHORIZED",
    "INTERNAL": "FATAL",
    "UNKNOWN": "UNKNOWN",
    "UNIMPLEMENTED": "UNKNOWN",
}


@pytest.mark.parametrize("code", STATUSES)
def test_errors_of_the_server(model: TextGenerationTGIS, code: str) -> None:
    def streamed(text: str) -> Any:
        return list(model.run_stream_out(text))

    for call in (model.run, streamed, model.run_tokenizer):
        with pytest.raises(CaikitCoreException) as caught:
            call(f"!fail {code} that is why")
        assert caught.value.status_code is CaikitCoreStatusCode[STATUSES[code]]
        closed = STATUSES[code] == "CONNECTION_ERROR"
        assert caught.value.message == (CLOSED if closed else "that is why")


def test_an_error_in_the_middle_of_a_stream(model: TextGenerationTGIS) -> None:
    stream = iter(model.run_stream_out("!break it"))
    assert [next(stream).generated_text for _ in range(2)] == ["", " gold"]
    with pytest.raises(CaikitCoreException, match="broken in the middle") as caught:
        next(stream)
    assert caught.value.status_code is CaikitCoreStatusCode.FATAL


def test_the_number_of_answers(model: TextGenerationTGIS) -> None:
    for count in (0, 2):
        with pytest.raises(ValueError, match=f"Got {count} responses for a single request"):
            model.run(f"!answers {count}")


def test_a_call_may_take_so_long(
    model: TextGenerationTGIS, texts: Any, temp_config: Callable[[dict[str, Any]], None]
) -> None:
    temp_config({"tgis_request_timeout": 1})
    with pytest.raises(CaikitCoreException) as caught:
        model.run("!wait for me")
    assert caught.value.status_code is CaikitCoreStatusCode.CONNECTION_ERROR
    assert texts.servicer.cancelled.wait(10)


def test_nobody_listens(make_backend: Callable[..., Any]) -> None:
    model = TextGenerationTGIS("m", tgis_backend=make_backend(connection={"hostname": "localhost:1"}))
    with pytest.raises(CaikitCoreException, match=CLOSED):
        model.run("a")


def test_without_a_backend() -> None:
    model = TextGenerationTGIS.bootstrap("m")
    assert (model.run("a"), model.run_stream_out("a"), model.run_tokenizer("a")) == (None, None, None)


def test_a_client_without_a_server() -> None:
    from caikit_nlp.toolkit.text_generation.tgis_utils import TGISGenerationClient

    client = TGISGenerationClient("m", None, TextGeneration.PRODUCER_ID)
    with pytest.raises(ValueError, match="Backend must be configured and loaded for generate"):
        client.unary_generate("a")
    with pytest.raises(ValueError, match="Backend must be configured and loaded for tokenization"):
        client.tokenize("a")


def test_saved_and_loaded(backend: TGISBackend, tmp_path: Path) -> None:
    TextGenerationTGIS("llama", eos_token="</s>", tgis_backend=backend).save(str(tmp_path / "m"))
    config = yaml.safe_load((tmp_path / "m" / "config.yml").read_text())
    tokens = {key: config[key] for key in ("bos_token", "sep_token", "eos_token", "pad_token")}
    assert config["model_name"] == "llama"
    assert tokens == {"bos_token": None, "sep_token": None, "eos_token": "</s>", "pad_token": None}
    assert config["module_id"] == TextGeneration.MODULE_ID
    loaded = TextGenerationTGIS.load(str(tmp_path / "m"), backend)
    assert loaded.run("a b", max_new_tokens=1).generated_text == " gold"


def test_a_folder_with_weights_is_called_by_its_name(
    texts: Any,
    tmp_path: Path,
    temp_config: Callable[[dict[str, Any]], None],
) -> None:
    """The initializer takes the backend that is wanted most and can load what the local one has saved."""
    folder = tmp_path / "m"
    (folder / "artifacts").mkdir(parents=True)
    (folder / "config.yml").write_text(
        yaml.safe_dump(
            {
                "module_id": TextGeneration.MODULE_ID,
                "module_class": "caikit_nlp.modules.text_generation.text_generation_local.TextGeneration",
                "artifact_path": "artifacts",
                "eos_token": "</s>",
                "torch_dtype": "torch.float32",
            }
        )
    )
    temp_config(
        {
            "model_management": {
                "initializers": {
                    "servers": {
                        "type": "LOCAL",
                        "config": {
                            "backend_priority": [
                                {"type": "TGIS", "config": {"connection": {"hostname": texts.hostname}}},
                                {"type": "LOCAL"},
                            ]
                        },
                    }
                }
            }
        }
    )
    model = caikit.load(str(folder), initializer="servers")
    assert isinstance(model, TextGenerationTGIS)
    assert model.run("a b", max_new_tokens=1).generated_text == " gold"
    assert texts.servicer.requests[-1].model_id == str(folder / "artifacts")
    (folder / "artifacts").rmdir()
    with pytest.raises((ValueError, FileNotFoundError), match="artifacts"):
        caikit.load(str(folder), initializer="servers")
