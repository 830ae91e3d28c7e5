"""Each module of generation from the making of a model to its end, and requests that it refuses."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import requests

import caikit
from caikit.core.data_model import DataStream
from caikit_nlp.data_model import TuningConfig
from caikit_nlp.modules.text_generation import PeftPromptTuning, TextGeneration

PROMPT = "The cow ate the"


def tuned(folder: str, records: list[Any]) -> PeftPromptTuning:
    return PeftPromptTuning.train(
        folder, DataStream.from_iterable(records), TuningConfig(num_virtual_tokens=4), num_epochs=1
    )


def take_away(servers: Any, model_id: str) -> None:
    gone = requests.delete(f"{servers.url}/management/models", params={"model_id": model_id}, timeout=30)
    assert gone.status_code == 200, gone.text
    assert servers.post("text-generation", model_id, PROMPT).status_code == 404
    with pytest.raises(grpc.RpcError) as caught:
        servers.call("TextGenerationTaskPredict", model_id, text=PROMPT)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("kind", ["gpt2", "t5", "tuned gpt2", "tuned bart"])
def test_a_life(
    generation_servers: Any, tiny_models: dict[str, str], loss_records: list[Any], tmp_path: Path, kind: str
) -> None:
    base = tiny_models[kind.removeprefix("tuned ")]
    tuning = kind.startswith("tuned")
    model: Any = tuned(base, loss_records) if tuning else TextGeneration.bootstrap(base)
    more = {"save_base_model": True} if tuning else {}
    expected = model.run(PROMPT, max_new_tokens=4)
    model.save(str(tmp_path / "once"), **more)
    loaded: Any = caikit.load(str(tmp_path / "once"))
    assert type(loaded) is type(model)
    model_id = f"life-of-{kind.replace(' ', '-')}"
    loaded.save(str(generation_servers.folder / model_id), **more)

    answer = generation_servers.post("text-generation", model_id, PROMPT, max_new_tokens=4)
    assert answer.status_code == 200, answer.text
    assert answer.json()["generated_text"] == expected.generated_text
    message = generation_servers.call("TextGenerationTaskPredict", model_id, text=PROMPT, max_new_tokens=4)
    assert message.generated_text == expected.generated_text
    pieces = generation_servers.call(
        "ServerStreamingTextGenerationTaskPredict", model_id, text=PROMPT, max_new_tokens=4
    )
    assert "".join(piece.generated_text for piece in pieces) == expected.generated_text
    take_away(generation_servers, model_id)


def test_a_prompt_is_trained_and_served(
    generation_servers: Any, tiny_models: dict[str, str], temp_config: Callable[[dict[str, Any]], None]
) -> None:
    """The trained folder has the prompt alone; the base model is found by its name."""
    temp_config({"base_models_dir": str(Path(tiny_models["gpt2"]).parent)})
    body = {
        "model_name": "tuned-by-rpc",
        "parameters": {
            "base_model": "gpt2",
            "train_stream": {
                "data_stream": {
                    "data": [{"input": f"cow {number}", "output": "grass"} for number in range(4)]
                }
            },
            "tuning_config": {"num_virtual_tokens": 4},
            "num_epochs": 1,
            "verbalizer": "Text: {{input}} Is:",
        },
    }
    url = f"{generation_servers.url}/api/v1/TextGenerationTaskPeftPromptTuningTrain"
    answer = requests.post(url, json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    end = time.monotonic() + 50
    state = ""
    while state not in ("COMPLETED", "ERRORED") and time.monotonic() < end:
        status = requests.get(
            f"{generation_servers.url}/management/trainings",
            params={"training_id": answer.json()["training_id"]},
            timeout=30,
        ).json()
        state = status["state"]
        time.sleep(0.05)
    assert state == "COMPLETED", status
    assert not (generation_servers.folder / "tuned-by-rpc" / "base_model").exists()
    found = generation_servers.post("text-generation", "tuned-by-rpc", "a cow", max_new_tokens=3)
    assert found.status_code == 200, found.text
    assert found.json()["generated_text"].startswith("Text: a cow Is:")
    message = generation_servers.call(
        "TextGenerationTaskPredict", "tuned-by-rpc", text="a cow", max_new_tokens=3
    )
    assert message.generated_text == found.json()["generated_text"]
    assert message.producer_id.name == "Peft generation"
    take_away(generation_servers, "tuned-by-rpc")


BAD: list[tuple[Any, dict[str, Any]]] = [
    (7, {}),
    (None, {}),
    ({"text": "a"}, {}),
    ("a", {"max_new_tokens": -1}),
    ("a", {"max_new_tokens": 1.5}),
    ("a", {"max_new_tokens": "many"}),
    ("a", {"min_new_tokens": -1}),
    ("a", {"temperature": "hot"}),
    ("a", {"decoding_method": "SAMPLING", "temperature": -1.0}),
    ("a", {"decoding_method": "SAMPLING", "top_k": -1}),
    ("a", {"decoding_method": "SAMPLING", "top_p": 1.5}),
    ("a", {"decoding_method": "SAMPLING", "typical_p": -0.5}),
    ("a", {"repetition_penalty": -1.0}),
    ("a", {"max_time": -1.0}),
    ("a", {"seed": -1}),
    ("a", {"stop_sequences": "a"}),
    ("a", {"stop_sequences": [1]}),
    ("a", {"exponential_decay_length_penalty": {"start_index": 1, "decay_factor": 100}}),
    ("a", {"exponential_decay_length_penalty": [1, 2.0]}),
    ("a", {"unheard_of": 1}),
    ("The cow ate " * 800_000, {}),
]


@pytest.mark.parametrize(("inputs", "parameters"), BAD, ids=lambda value: str(value)[:40])
def test_refused(generation_servers: Any, inputs: Any, parameters: dict[str, Any]) -> None:
    for model_id in ("causal", "seq2seq"):
        answer = generation_servers.post("text-generation", model_id, inputs, **parameters)
        assert answer.status_code in (400, 422), answer.text[:500]
        assert answer.json()["details"]


@pytest.mark.parametrize("model_id", ["causal", "seq2seq"])
def test_an_empty_text_is_a_text(generation_servers: Any, model_id: str) -> None:
    answer = generation_servers.post("text-generation", model_id, "", max_new_tokens=2)
    assert answer.status_code == 200, answer.text
    assert answer.json()["generated_tokens"] == 2
    message = generation_servers.call("TextGenerationTaskPredict", model_id, text="", max_new_tokens=2)
    assert message.generated_text == answer.json()["generated_text"]
    assert generation_servers.post("tokenization", model_id, "").json()["token_count"] == 0
