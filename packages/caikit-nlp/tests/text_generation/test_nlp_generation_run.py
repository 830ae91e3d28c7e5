"""Texts from models of both kinds: parameters, results, errors, saved folders."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

import caikit
from caikit.core import TaskBase
from caikit.interfaces.nlp.data_model import FinishReason, GeneratedTextResult
from caikit_nlp.data_model import ExponentialDecayLengthPenalty
from caikit_nlp.modules.text_generation import TextGeneration

PROMPT = "The cow ate the"


@pytest.fixture(scope="session", params=["gpt2", "bloom", "llama", "t5", "bart"])
def any_model(request: pytest.FixtureRequest, tiny_models: dict[str, str]) -> Any:
    return TextGeneration.bootstrap(tiny_models[request.param])


def generated(model: Any, **parameters: Any) -> GeneratedTextResult:
    result: GeneratedTextResult = model.run(PROMPT, preserve_input_text=False, **parameters)
    return result


def test_greedy_texts_are_those_of_the_library(any_model: Any) -> None:
    tokenizer, model = any_model.model.tokenizer, any_model.model.model
    encoded = tokenizer(PROMPT, return_tensors="pt", return_token_type_ids=False)
    expected = model.generate(**encoded, max_new_tokens=12, do_sample=False)[0]
    result = any_model.run(PROMPT, max_new_tokens=12)
    assert result.generated_text == tokenizer.decode(expected, skip_special_tokens=True)
    assert result.input_token_count == encoded["input_ids"].shape[1]


def test_processed_texts_are_those_of_the_library(any_model: Any) -> None:
    tokenizer, model = any_model.model.tokenizer, any_model.model.model
    encoded = tokenizer(PROMPT, return_tensors="pt", return_token_type_ids=False)
    expected = model.generate(
        **encoded,
        max_new_tokens=12,
        min_new_tokens=3,
        do_sample=False,
        repetition_penalty=1.7,
        no_repeat_ngram_size=2,
        exponential_decay_length_penalty=(4, 1.5),
    )[0]
    result = any_model.run(
        PROMPT,
        max_new_tokens=12,
        min_new_tokens=3,
        repetition_penalty=1.7,
        exponential_decay_length_penalty=(4, 1.5),
        no_repeat_ngram_size=2,
    )
    assert result.generated_text == tokenizer.decode(expected, skip_special_tokens=True)


def test_the_pieces_are_the_text(any_model: Any) -> None:
    whole = any_model.run(PROMPT, max_new_tokens=15)
    pieces = list(any_model.run_stream_out(PROMPT, max_new_tokens=15))
    assert "".join(piece.generated_text for piece in pieces) == whole.generated_text
    assert [piece.details.generated_tokens for piece in pieces] == list(range(1, len(pieces) + 1))
    assert {piece.details.input_token_count for piece in pieces} == {whole.input_token_count}
    assert [piece.details.finish_reason for piece in pieces[:-1]] == [FinishReason.NOT_FINISHED] * (
        len(pieces) - 1
    )
    assert pieces[-1].details.finish_reason == whole.finish_reason
    assert whole.generated_tokens == len(pieces)


def test_only_new_tokens_are_counted(causal: Any) -> None:
    result = causal.run(PROMPT, max_new_tokens=3)
    assert (result.generated_tokens, result.finish_reason) == (3, FinishReason.MAX_TOKENS)
    assert result.producer_id == TextGeneration.PRODUCER_ID
    assert (result.seed, result.tokens, result.input_tokens) == (None, None, None)


def test_the_prompt_is_preserved_or_not(causal: Any, seq2seq: Any) -> None:
    kept = causal.run(PROMPT, max_new_tokens=5)
    assert kept.generated_text == PROMPT + generated(causal, max_new_tokens=5).generated_text
    assert seq2seq.run(PROMPT).generated_text == generated(seq2seq).generated_text


def test_none_stands_for_the_default(causal: Any) -> None:
    assert causal.run(PROMPT, max_new_tokens=None).generated_tokens == causal.run(PROMPT).generated_tokens


def test_no_tokens_at_all(causal: Any) -> None:
    result = causal.run(PROMPT, max_new_tokens=0)
    assert (result.generated_text, result.generated_tokens) == (PROMPT, 0)
    [piece] = causal.run_stream_out(PROMPT, max_new_tokens=0)
    assert piece.details.finish_reason == FinishReason.MAX_TOKENS


def test_seeds_make_sampling_repeatable(any_model: Any) -> None:
    def sample(seed: int) -> str:
        result = generated(
            any_model, decoding_method="SAMPLING", seed=seed, max_new_tokens=25, temperature=3.0
        )
        assert result.seed == seed
        return str(result.generated_text)

    assert sample(7) == sample(7)
    assert len({sample(seed) for seed in range(4)} | {sample(2**64 - 1)}) > 1


def test_sampling_leaves_the_global_generator_alone(causal: Any) -> None:
    import torch

    state = torch.get_rng_state()
    causal.run(PROMPT, decoding_method="SAMPLING", top_k=5, top_p=0.9, typical_p=0.9, temperature=0.7)
    assert torch.equal(state, torch.get_rng_state())


def test_sampling_the_best_token_is_greedy(causal: Any) -> None:
    greedy = causal.run(PROMPT).generated_text
    assert causal.run(PROMPT, decoding_method="SAMPLING", top_k=1, seed=1).generated_text == greedy


@pytest.mark.parametrize("included", [None, True, False])
def test_stop_sequences(causal: Any, included: bool | None) -> None:
    text = generated(causal, max_new_tokens=20).generated_text
    stop = text[4:7]
    end = text.index(stop) + (0 if included is False else len(stop))
    parameters = {"stop_sequences": ["never", stop], "include_stop_sequence": included, "max_new_tokens": 20}
    result = generated(causal, **parameters)
    assert (result.generated_text, result.finish_reason) == (text[:end], FinishReason.STOP_SEQUENCE)
    pieces = list(causal.run_stream_out(PROMPT, preserve_input_text=False, **parameters))
    assert "".join(piece.generated_text for piece in pieces) == text[:end]
    assert pieces[-1].details.finish_reason == FinishReason.STOP_SEQUENCE


def test_the_end_of_a_text(causal: Any) -> None:
    second = generated(causal, max_new_tokens=2, generated_tokens=True).tokens[1].text
    resource = causal.model
    other = TextGeneration("other", resource, eos_token=second)
    result = generated(other)
    assert (result.generated_tokens, result.finish_reason) == (2, FinishReason.EOS_TOKEN)
    assert generated(other, min_new_tokens=4).generated_tokens >= 4


def test_time_ends(any_model: Any) -> None:
    began = time.monotonic()
    result = any_model.run("x", max_new_tokens=60, min_new_tokens=60, max_time=1e-6)
    assert result.finish_reason == FinishReason.TIME_LIMIT
    assert result.generated_tokens < 60
    assert time.monotonic() - began < 20


def test_the_limit_of_the_model(causal: Any, seq2seq: Any) -> None:
    result = causal.run(PROMPT, max_new_tokens=1000, min_new_tokens=1000)
    assert result.finish_reason == FinishReason.TOKEN_LIMIT
    assert result.generated_tokens == 128 - result.input_token_count + 1
    result = seq2seq.run(PROMPT, max_new_tokens=1000, min_new_tokens=1000)
    assert (result.finish_reason, result.generated_tokens) == (FinishReason.TOKEN_LIMIT, 64)


def test_truncation_keeps_tokens(causal: Any, seq2seq: Any) -> None:
    assert causal.run(PROMPT, truncate_input_tokens=2).input_token_count == 2
    assert causal.run(PROMPT, truncate_input_tokens=2).generated_text == causal.run("The cow").generated_text
    assert causal.run(PROMPT, truncate_input_tokens=99).generated_text == causal.run(PROMPT).generated_text
    # the end of the sequence, which the tokenizer adds, stays
    cut = seq2seq.run(PROMPT, truncate_input_tokens=3)
    assert cut.generated_text == seq2seq.run("The cow").generated_text
    assert cut.input_token_count == 3


def test_negative_truncation_leaves_room_for_the_text(causal: Any, seq2seq: Any) -> None:
    long = "cow " * 300
    result = causal.run(long, truncate_input_tokens=-1, max_new_tokens=20, min_new_tokens=20)
    assert (result.input_token_count, result.generated_tokens) == (108, 20)
    assert result.finish_reason == FinishReason.MAX_TOKENS
    assert seq2seq.run(long, truncate_input_tokens=-1).input_token_count == 64


def test_a_model_that_takes_any_number_of_tokens_has_a_limit(tiny_models: Any) -> None:
    model = TextGeneration.bootstrap(tiny_models["t5"])
    with pytest.raises(ValueError, match=r"this model takes 4096 at most.*truncate_input_tokens"):
        model.run("cow " * 5000)
    assert model.run("cow " * 5000, truncate_input_tokens=5, max_new_tokens=1).input_token_count == 5


def test_a_text_that_is_too_long_is_refused(causal: Any) -> None:
    with pytest.raises(ValueError, match=r"this model takes 128 at most.*truncate_input_tokens"):
        causal.run("cow " * 300)


@pytest.mark.parametrize("details", [True, False])
def test_lists_of_tokens(any_model: Any, details: bool) -> None:
    import torch

    result = any_model.run(
        PROMPT,
        max_new_tokens=4,
        input_tokens=True,
        generated_tokens=True,
        token_logprobs=details,
        token_ranks=details,
    )
    tokenizer, model = any_model.model.tokenizer, any_model.model.model
    encoded = tokenizer(PROMPT, return_tensors="pt", return_token_type_ids=False)
    assert [token.text for token in result.input_tokens] == tokenizer.convert_ids_to_tokens(
        encoded["input_ids"][0]
    )
    assert len(result.tokens) == result.generated_tokens
    if not details:
        assert {(token.logprob, token.rank) for token in result.tokens} == {(None, None)}
        return
    assert [token.rank for token in result.tokens] == [1] * len(result.tokens)
    assert all(token.logprob < 0 for token in result.tokens)
    if not model.config.is_encoder_decoder:
        with torch.inference_mode():
            expected = model(**encoded).logits[0].log_softmax(-1)
        ids = encoded["input_ids"][0]
        assert result.input_tokens[0].logprob is None
        for index, token in enumerate(result.input_tokens[1:], start=1):
            assert token.logprob == pytest.approx(float(expected[index - 1, ids[index]]), rel=1e-3)
            assert token.rank == 1 + int((expected[index - 1] > expected[index - 1, ids[index]]).sum())


def test_tokens_come_with_their_pieces(causal: Any) -> None:
    pieces = list(
        causal.run_stream_out(
            PROMPT, max_new_tokens=4, generated_tokens=True, input_tokens=True, token_ranks=True
        )
    )
    assert [len(piece.tokens) for piece in pieces] == [1, 1, 1, 1]
    assert len(pieces[0].input_tokens) == 4
    assert [piece.input_tokens for piece in pieces[1:]] == [None] * 3


def test_who_stops_listening_stops_the_model(causal: Any) -> None:
    calls = []
    hook = causal.model.model.register_forward_hook(lambda *_: calls.append(1))
    try:
        stream = causal.run_stream_out(PROMPT, max_new_tokens=100, min_new_tokens=100)
        assert not calls
        next(iter(stream))
        stream.close()
        assert len(calls) == 1
    finally:
        hook.remove()


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"text": 7}, TypeError, "`text` has type `int`"),
        (
            {"decoding_method": "X"},
            ValueError,
            "value check failed: Decoding method [X] not in valid decoding methods: [['GREEDY', 'SAMPLING']]",
        ),
        (
            {"max_new_tokens": 2, "min_new_tokens": 3},
            ValueError,
            "value check failed: Max new tokens needs to be bigger than min new tokens",
        ),
        ({"temperature": 1}, TypeError, "`temperature`"),
        ({"max_new_tokens": 1.0}, TypeError, "`max_new_tokens`"),
        ({"stop_sequences": ["a", 1]}, TypeError, "`stop_sequences`"),
        ({"stop_sequences": "a"}, TypeError, "`stop_sequences`"),
        ({"max_new_tokens": -1, "min_new_tokens": -1}, ValueError, "max_new_tokens must not be negative"),
        ({"repetition_penalty": -1.0}, ValueError, "repetition_penalty must be > 0.0"),
        ({"decoding_method": "SAMPLING", "top_p": 1.5}, ValueError, "top_p must be > 0.0 and <= 1.0"),
        ({"decoding_method": "SAMPLING", "top_k": -1}, ValueError, "top_k must be strictly positive"),
        ({"exponential_decay_length_penalty": (1, 0.5)}, ValueError, "decay_factor"),
        ({"exponential_decay_length_penalty": (1, 2)}, TypeError, "`decay_factor`"),
        ({"seed": -1}, ValueError, "seed must be"),
        ({"nonsense": 1}, ValueError, "`model_kwargs` are not used by the model: ['nonsense']"),
    ],
)
def test_errors(causal: Any, parameters: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments = {"text": PROMPT, **parameters}
    for method in (causal.run, causal.run_stream_out):
        with pytest.raises(error) as raised:
            method(**arguments)
        assert message in str(raised.value)


def test_no_penalty_is_one(causal: Any) -> None:
    assert causal.run(PROMPT, repetition_penalty=0.0).generated_text == causal.run(PROMPT).generated_text


def test_the_penalty_as_an_object(causal: Any) -> None:
    as_object = ExponentialDecayLengthPenalty(start_index=2, decay_factor=5.0)
    results = [
        causal.run(PROMPT, exponential_decay_length_penalty=penalty, max_new_tokens=60)
        for penalty in (as_object, (2, 5.0))
    ]
    assert results[0].generated_text == results[1].generated_text
    assert results[0].finish_reason == FinishReason.EOS_TOKEN


def test_characters_of_several_tokens_come_whole(causal: Any) -> None:
    pieces = list(causal.run_stream_out("grüße 🐄🐄", max_new_tokens=1))
    assert pieces[0].generated_text.startswith("grüße 🐄🐄")


def test_an_empty_text(causal: Any) -> None:
    result = causal.run("", max_new_tokens=3, min_new_tokens=3)
    assert (result.generated_tokens, result.input_token_count) == (3, 0)


def test_tokens_are_counted(causal: Any, seq2seq: Any) -> None:
    assert causal.run_tokenizer(PROMPT).token_count == 4
    assert causal.run_tokenizer(PROMPT).results is None
    assert seq2seq.run_tokenizer(PROMPT).token_count == 5
    assert seq2seq.run_tokenizer("").token_count == 0
    with pytest.raises(TypeError, match="`text`"):
        causal.run_tokenizer(3)


def test_a_saved_model(any_model: Any, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    any_model.save(str(folder))
    config = yaml.safe_load((folder / "config.yml").read_text())
    assert config["artifact_path"] == "artifacts"
    assert config["eos_token"] == "</s>"
    assert config["torch_dtype"] == "torch.float32"
    assert config["training_logs"] == "training_logs.jsonl"
    assert config["module_class"] == (
        "caikit_nlp.modules.text_generation.text_generation_local.TextGeneration"
    )
    assert sorted(path.name for path in folder.iterdir()) == ["artifacts", "config.yml"]
    loaded = caikit.load(str(folder))
    assert loaded.run(PROMPT).generated_text == any_model.run(PROMPT).generated_text
    loaded.save(str(tmp_path / "again"))
    assert caikit.load(str(tmp_path / "again")).run(PROMPT) == loaded.run(PROMPT)


def test_a_folder_of_the_published_release(causal: Any, tmp_path: Path) -> None:
    causal.model.model.save_pretrained(tmp_path / "artifacts")
    causal.model.tokenizer.save_pretrained(tmp_path / "artifacts")
    (tmp_path / "config.yml").write_text(
        "artifact_path: artifacts\n"
        "caikit_nlp_version: 0.5.15\n"
        "created: '2025-07-02 10:00:00.000000'\n"
        "eos_token: </s>\n"
        "module_class: caikit_nlp.modules.text_generation.text_generation_local.TextGeneration\n"
        "module_id: f9181353-4ccf-4572-bd1e-f12bcda26792\n"
        "name: Text Generation\n"
        "saved: '2025-07-02 10:00:00.000000'\n"
        "torch_dtype: torch.float32\n"
        "tracking_id: 8a3b0d9e-0000-4000-8000-000000000001\n"
        "training_logs: training_logs.jsonl\n"
        "version: 0.1.0\n"
    )
    entry = {"epoch": 1.0, "step": 1, "value": 2.5, "timestamp": "2025-07-02T10:00:00"}
    (tmp_path / "training_logs.jsonl").write_text(json.dumps({"name": "loss", "data": entry}) + "\n")
    loaded = caikit.load(str(tmp_path))
    assert loaded.run(PROMPT).generated_text == causal.run(PROMPT).generated_text
    assert loaded.training_metadata == {"loss": [entry]}


def test_half_precision(tiny_models: dict[str, str], tmp_path: Path) -> None:
    import torch

    model = TextGeneration.bootstrap(tiny_models["llama"], torch_dtype="bfloat16")
    assert model.model.model.dtype == torch.bfloat16
    assert model.run(PROMPT).generated_tokens > 0
    model.save(str(tmp_path))
    assert TextGeneration.load(str(tmp_path)).model.model.dtype == torch.bfloat16
    assert TextGeneration.load(str(tmp_path), torch_dtype="float32").model.model.dtype == torch.float32
    with pytest.raises(ValueError, match="Unrecognized data type: float33"):
        TextGeneration.bootstrap(tiny_models["llama"], torch_dtype="float33")


def test_a_model_that_is_not_there() -> None:
    began = time.monotonic()
    with pytest.raises(OSError, match=r"nobody/nothing.*ALLOW_DOWNLOADS"):
        TextGeneration.bootstrap("nobody/nothing")
    assert time.monotonic() - began < 20


def test_a_model_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit"}))
    with pytest.raises(ValueError, match="vit model type is not supported currently!"):
        TextGeneration.bootstrap(str(tmp_path))


def test_a_folder_without_artifacts(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text(f"module_id: {TextGeneration.MODULE_ID}\n")
    with pytest.raises(ValueError, match="Model config missing 'artifact_path'"):
        TextGeneration.load(str(tmp_path))


def test_an_encoder_generates_too(tmp_path: Path, causal: Any) -> None:
    from transformers import BertConfig, BertLMHeadModel

    tokenizer = causal.model.tokenizer
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64,
    )  # fmt: skip
    BertLMHeadModel(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert TextGeneration.bootstrap(str(tmp_path)).run(PROMPT, max_new_tokens=3).generated_tokens == 3


def test_threads_share_a_model(causal: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    texts = [f"{PROMPT} {number}" for number in range(16)]

    def run(text: str) -> str:
        result = causal.run(text, decoding_method="SAMPLING", seed=5, truncate_input_tokens=5)
        return str(result.generated_text)

    expected = [run(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run, texts)) == expected


def test_the_tasks() -> None:
    names = [task.__name__ for task in TextGeneration.tasks if issubclass(task, TaskBase)]
    assert names == ["TextGenerationTask", "TokenizationTask"]


def test_ten_megabytes_are_not_read_for_nothing(causal: TextGeneration, seq2seq: TextGeneration) -> None:
    text = "The cow ate " * 800_000
    began = time.process_time()
    for model in (causal, seq2seq):
        with pytest.raises(
            ValueError, match=r"The input has more than \d+ tokens, this model takes \d+ at most"
        ):
            model.run(text)
        shortened = model.run(text, truncate_input_tokens=5, max_new_tokens=3)
        expected = model.run(text[:200], truncate_input_tokens=5, max_new_tokens=3)
        assert shortened == expected
        assert model.run(text, truncate_input_tokens=-1, max_new_tokens=3).input_token_count > 50
    assert time.process_time() - began < 2.0
