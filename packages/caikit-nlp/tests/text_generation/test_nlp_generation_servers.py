"""Generation, tokenization and training through running servers of both kinds."""

from __future__ import annotations

import json
import time
from typing import Any

import grpc
import pytest
import requests

from caikit_nlp.modules.text_generation import TextGeneration

PROMPT = "The cow ate the"


def events(response: requests.Response) -> list[dict[str, Any]]:
    lines = response.text.splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


@pytest.mark.parametrize("model_id", ["causal", "seq2seq"])
def test_generation(generation_servers: Any, causal: Any, seq2seq: Any, model_id: str) -> None:
    expected = {"causal": causal, "seq2seq": seq2seq}[model_id].run(PROMPT)
    answer = generation_servers.post("text-generation", model_id, PROMPT)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "generated_text": expected.generated_text,
        "generated_tokens": expected.generated_tokens,
        "finish_reason": "MAX_TOKENS",
        "producer_id": {"name": "Text Generation", "version": "0.1.0"},
        "input_token_count": expected.input_token_count,
        "seed": None,
        "tokens": None,
        "input_tokens": None,
    }
    assert list(answer.json())[:3] == ["generated_text", "generated_tokens", "finish_reason"]
    message = generation_servers.call("TextGenerationTaskPredict", model_id, text=PROMPT)
    assert message.generated_text == expected.generated_text
    assert message.generated_tokens == expected.generated_tokens


@pytest.mark.parametrize("model_id", ["causal", "seq2seq"])
def test_parameters_travel(generation_servers: Any, causal: Any, seq2seq: Any, model_id: str) -> None:
    parameters: dict[str, Any] = {
        "decoding_method": "SAMPLING",
        "seed": 2**64 - 1,
        "temperature": 2.0,
        "top_k": 50,
        "top_p": 0.99,
        "typical_p": 0.99,
        "repetition_penalty": 1.1,
        "max_new_tokens": 9,
        "min_new_tokens": 2,
        "truncate_input_tokens": 3,
        "max_time": 30.0,
        "stop_sequences": ["never there"],
        "include_stop_sequence": False,
        "preserve_input_text": False,
        "generated_tokens": True,
        "token_logprobs": True,
        "token_ranks": True,
    }
    expected = {"causal": causal, "seq2seq": seq2seq}[model_id].run(PROMPT, **parameters)
    answer = generation_servers.post("text-generation", model_id, PROMPT, **parameters).json()
    assert answer["generated_text"] == expected.generated_text
    assert answer["seed"] == 2**64 - 1
    assert answer["input_token_count"] == 3
    assert [token["rank"] for token in answer["tokens"]] == [token.rank for token in expected.tokens]
    message = generation_servers.call("TextGenerationTaskPredict", model_id, text=PROMPT, **parameters)
    assert message.generated_text == expected.generated_text
    assert [token.text for token in message.tokens] == [token.text for token in expected.tokens]


def test_a_penalty_travels(generation_servers: Any, causal: Any) -> None:
    expected = causal.run(PROMPT, exponential_decay_length_penalty=(2, 5.0), max_new_tokens=60)
    penalty = {"start_index": 2, "decay_factor": 5}
    answer = generation_servers.post(
        "text-generation", "causal", PROMPT, exponential_decay_length_penalty=penalty, max_new_tokens=60
    )
    assert answer.json()["generated_text"] == expected.generated_text
    assert answer.json()["finish_reason"] == "EOS_TOKEN"
    messages = generation_servers.package.messages
    request = messages.TextGenerationTaskRequest(text=PROMPT, max_new_tokens=60)
    request.exponential_decay_length_penalty.start_index = 2
    request.exponential_decay_length_penalty.decay_factor = 5.0
    answer = generation_servers.stub.TextGenerationTaskPredict(
        request, metadata=[("mm-model-id", "causal")], timeout=30
    )
    assert answer.generated_text == expected.generated_text


@pytest.mark.parametrize("model_id", ["causal", "seq2seq"])
def test_streams(generation_servers: Any, causal: Any, seq2seq: Any, model_id: str) -> None:
    expected = {"causal": causal, "seq2seq": seq2seq}[model_id].run(PROMPT, max_new_tokens=7)
    items = events(
        generation_servers.post("server-streaming-text-generation", model_id, PROMPT, max_new_tokens=7)
    )
    assert "".join(item["generated_text"] for item in items) == expected.generated_text
    assert [item["details"]["generated_tokens"] for item in items] == [1, 2, 3, 4, 5, 6, 7]
    assert [item["details"]["finish_reason"] for item in items] == ["NOT_FINISHED"] * 6 + ["MAX_TOKENS"]
    messages = list(
        generation_servers.call(
            "ServerStreamingTextGenerationTaskPredict", model_id, text=PROMPT, max_new_tokens=7
        )
    )
    assert "".join(item.generated_text for item in messages) == expected.generated_text
    assert [item.details.generated_tokens for item in messages] == [1, 2, 3, 4, 5, 6, 7]
    assert {item.details.input_token_count for item in messages} == {expected.input_token_count}


def test_who_cancels_stops_the_model(generation_servers: Any) -> None:
    # Each of these would go on for hours, and there are only two threads.
    for _ in range(4):
        stream = generation_servers.call(
            "ServerStreamingTextGenerationTaskPredict",
            "endless",
            text=PROMPT,
            max_new_tokens=10_000_000,
            min_new_tokens=10_000_000,
        )
        assert next(stream).details.generated_tokens == 1
        stream.cancel()
    assert generation_servers.call("TextGenerationTaskPredict", "endless", text=PROMPT).generated_text


def test_who_hangs_up_stops_the_model(generation_servers: Any) -> None:
    body = {
        "model_id": "endless",
        "inputs": PROMPT,
        "parameters": {"max_new_tokens": 10_000_000, "min_new_tokens": 10_000_000},
    }
    url = f"{generation_servers.url}/api/v1/task/server-streaming-text-generation"
    for _ in range(4):
        with requests.post(url, json=body, stream=True, timeout=30) as response:
            assert next(response.iter_lines())
    assert generation_servers.post("text-generation", "endless", PROMPT).status_code == 200


def test_a_deadline_stops_a_whole_text(generation_servers: Any) -> None:
    messages = generation_servers.package.messages
    request = messages.TextGenerationTaskRequest(
        text=PROMPT, max_new_tokens=10_000_000, min_new_tokens=10_000_000
    )
    for _ in range(3):
        with pytest.raises(grpc.RpcError) as raised:
            generation_servers.stub.TextGenerationTaskPredict(
                request, metadata=[("mm-model-id", "endless")], timeout=0.5
            )
        assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert generation_servers.call("TextGenerationTaskPredict", "endless", text=PROMPT).generated_text


@pytest.mark.parametrize(
    ("parameters", "details"),
    [
        (
            {"decoding_method": "X"},
            "value check failed: Decoding method [X] not in valid decoding methods: [['GREEDY', 'SAMPLING']]",
        ),
        (
            {"max_new_tokens": 1, "min_new_tokens": 2},
            "value check failed: Max new tokens needs to be bigger than min new tokens",
        ),
        ({"repetition_penalty": -1.0}, "value check failed: repetition_penalty must be > 0.0"),
    ],
)
@pytest.mark.parametrize("route", ["text-generation", "server-streaming-text-generation"])
def test_errors(generation_servers: Any, route: str, parameters: dict[str, Any], details: str) -> None:
    answer = generation_servers.post(route, "causal", PROMPT, **parameters)
    failure = events(answer)[-1] if "server" in route else answer.json()
    assert (failure["code"], failure["details"]) == (400, details)
    rpc = {
        "text-generation": "TextGenerationTaskPredict",
        "server-streaming-text-generation": "ServerStreamingTextGenerationTaskPredict",
    }[route]

    def call() -> None:
        answer = generation_servers.call(rpc, "causal", text=PROMPT, **parameters)
        list(answer if "Streaming" in rpc else [answer])

    with pytest.raises(grpc.RpcError) as raised:
        call()
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert details in raised.value.details()


def test_tokenization(generation_servers: Any) -> None:
    answer = generation_servers.post("tokenization", "causal", PROMPT)
    assert answer.json() == {"results": None, "token_count": 4}
    assert generation_servers.call("TokenizationTaskPredict", "seq2seq", text=PROMPT).token_count == 5


def test_information_about_models(generation_servers: Any) -> None:
    answer = requests.get(f"{generation_servers.url}/info/models", timeout=30)
    [info] = [each for each in answer.json()["models"] if each["name"] == "causal"]
    assert info["metadata"] == {}
    assert info["module_id"] == TextGeneration.MODULE_ID


def finished(servers: Any, training_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 50
    while time.monotonic() < deadline:
        answer = requests.get(
            f"{servers.url}/management/trainings", params={"training_id": training_id}, timeout=30
        )
        status: dict[str, Any] = answer.json()
        if status["state"] not in ("PENDING_SUBMISSION", "QUEUED", "RUNNING"):
            return status
        time.sleep(0.05)
    raise AssertionError("the training takes too long")


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_a_model_is_trained_over_http_and_served(
    generation_servers: Any, tiny_models: dict[str, str], kind: str
) -> None:
    name = f"trained-{kind}"
    records = [{"input": f"cow {number}", "output": "grass"} for number in range(6)]
    body = {
        "model_name": name,
        "parameters": {
            "base_model": tiny_models[kind],
            "train_stream": {"data_stream": {"data": records}},
            "num_epochs": 2,
            "batch_size": 2,
            "accumulate_steps": 2,
            "lr": 0.01,
        },
    }
    url = f"{generation_servers.url}/api/v1/TextGenerationTaskTextGenerationTrain"
    answer = requests.post(url, json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    status = finished(generation_servers, answer.json()["training_id"])
    assert status["state"] == "COMPLETED", status
    lines = (generation_servers.folder / name / "training_logs.jsonl").read_text().splitlines()
    assert len(lines) == 4
    answer = generation_servers.post("text-generation", name, "cow 1")
    assert answer.status_code == 200, answer.text
    assert (
        generation_servers.call("TextGenerationTaskPredict", name, text="cow 1").generated_text
        == (answer.json()["generated_text"])
    )


def test_a_prompt_is_trained_over_grpc(generation_servers: Any, tiny_models: dict[str, str]) -> None:
    from caikit_nlp.modules.text_generation import PeftPromptTuning

    messages = generation_servers.training.messages
    request = messages.TextGenerationTaskPeftPromptTuningTrainRequest(model_name="prompt")
    parameters = request.parameters
    parameters.base_model = tiny_models["gpt2"]
    parameters.tuning_config.num_virtual_tokens = 4
    parameters.num_epochs = 1
    for number in range(4):
        parameters.train_stream.jsondata.data.add(input=f"cow {number}", output="grass")
    job = generation_servers.training_stub.TextGenerationTaskPeftPromptTuningTrain(request, timeout=30)
    status = finished(generation_servers, job.training_id)
    assert status["state"] == "COMPLETED", status
    folder = generation_servers.folder / "prompt"
    assert (folder / "decoder.pt").is_file()
    with pytest.raises(ValueError, match=r"base_model not provided\."):
        PeftPromptTuning.load(str(folder))


def test_a_training_without_data_fails(generation_servers: Any, tiny_models: dict[str, str]) -> None:
    body = {
        "model_name": "nothing",
        "parameters": {
            "base_model": tiny_models["gpt2"],
            "train_stream": {"data_stream": {"data": []}},
        },
    }
    url = f"{generation_servers.url}/api/v1/TextGenerationTaskTextGenerationTrain"
    answer = requests.post(url, json=body, timeout=30)
    if answer.status_code == 200:
        status = finished(generation_servers, answer.json()["training_id"])
        assert status["state"] == "ERRORED"
        assert "train_stream cannot be empty" in str(status["reasons"])
    else:
        assert answer.status_code == 400


def test_the_request_messages(generation_servers: Any) -> None:
    numbers = {
        "text": 1, "max_new_tokens": 2, "min_new_tokens": 3, "truncate_input_tokens": 4, "decoding_method": 5,
        "top_k": 6, "top_p": 7, "typical_p": 8, "temperature": 9, "repetition_penalty": 10, "max_time": 11,
        "exponential_decay_length_penalty": 12, "stop_sequences": 13, "seed": 14, "preserve_input_text": 15,
        "input_tokens": 16, "generated_tokens": 17, "token_logprobs": 18, "token_ranks": 19,
        "include_stop_sequence": 20,
    }  # fmt: skip
    for name in ("TextGenerationTaskRequest", "ServerStreamingTextGenerationTaskRequest"):
        fields = getattr(generation_servers.package.messages, name).DESCRIPTOR.fields
        assert {field.name: field.number for field in fields} == numbers
        types = {field.name: field.type for field in fields}
        assert types["seed"] == fields[0].TYPE_UINT64
        assert types["max_time"] == fields[0].TYPE_DOUBLE
        plain = [field.name for field in fields if not field.has_presence]
        assert plain == ["text", "stop_sequences"]
