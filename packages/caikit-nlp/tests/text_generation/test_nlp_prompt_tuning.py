"""Prompts that are trained: what comes out, what is saved, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import caikit
from caikit.core.data_model import DataStream
from caikit.interfaces.nlp.data_model import ClassificationTrainRecord, FinishReason
from caikit_nlp.data_model import GenerationTrainRecord, TuningConfig
from caikit_nlp.modules.text_generation import PeftPromptTuning
from caikit_nlp.resources.pretrained_model import HFAutoCausalLM

PART = {"gpt2": "DECODER", "bloom": "DECODER", "llama": "DECODER", "t5": "ENCODER", "bart": "ENCODER"}


def train(base_model: Any, records: list[Any], config: TuningConfig | None = None, **kwargs: Any) -> Any:
    settings: dict[str, Any] = {"num_epochs": 1, "accumulate_steps": 1, **kwargs}
    return PeftPromptTuning.train(
        base_model,
        DataStream.from_iterable(records),
        config or TuningConfig(num_virtual_tokens=6),
        **settings,
    )


@pytest.mark.parametrize("kind", list(PART))
@pytest.mark.parametrize("tuning", ["PROMPT_TUNING", "MULTITASK_PROMPT_TUNING"])
def test_train_save_load_run_stream(
    tiny_models: dict[str, str], loss_records: list[Any], tmp_path: Path, kind: str, tuning: str
) -> None:
    import torch

    model = train(tiny_models[kind], loss_records, tuning_type=tuning, verbalizer="Text: {{input}} Is:")
    model.save(str(tmp_path), save_base_model=True)
    file = tmp_path / f"{PART[kind].lower()}.pt"
    vectors = torch.load(file, weights_only=True)
    assert list(vectors.shape) == [6, 32]
    config = yaml.safe_load((tmp_path / "config.yml").read_text())
    other = {"ENCODER": "DECODER", "DECODER": "ENCODER"}[PART[kind]]
    assert (config[PART[kind]], config[other]) == (file.name, "")
    assert json.loads(config["output_model_types"]) == [PART[kind]]
    assert (config["tuning_type"], config["verbalizer"]) == (tuning, "Text: {{input}} Is:")
    assert (config["has_base_model"], config["eos_token"]) == (True, "</s>")
    assert config["base_model_config"]["vocab_size"] == model.model.model.config.vocab_size
    assert config["training_logs"] == "training_logs.jsonl"
    assert len((tmp_path / "training_logs.jsonl").read_text().splitlines()) == 2

    loaded = caikit.load(str(tmp_path))
    expected = model.run("cow 1", max_new_tokens=8)
    assert loaded.run("cow 1", max_new_tokens=8) == expected
    assert loaded.tuning_type.name == tuning
    assert loaded.training_metadata == model.training_metadata
    pieces = list(loaded.run_stream_out("cow 1", max_new_tokens=8, generated_tokens=True))
    assert "".join(piece.generated_text for piece in pieces) == expected.generated_text
    assert [piece.details.generated_tokens for piece in pieces] == list(range(1, len(pieces) + 1))
    assert pieces[-1].details.finish_reason == expected.finish_reason
    if PART[kind] == "DECODER":
        assert expected.generated_text.startswith("Text: cow 1 Is:")
    count = len(model.model.tokenizer("Text: cow 1 Is:")["input_ids"])
    assert {piece.details.input_token_count for piece in pieces} == {count}


@pytest.mark.filterwarnings("ignore:Position ids are not supported:UserWarning")
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")
@pytest.mark.parametrize("kind", list(PART))
def test_texts_are_those_of_the_library(
    tiny_models: dict[str, str], loss_records: list[Any], kind: str
) -> None:
    import peft
    import torch

    model = train(tiny_models[kind], loss_records)
    ids = torch.tensor([model.model.tokenizer("cow 1")["input_ids"]])
    config = peft.PromptTuningConfig(
        task_type=model.model.TASK_TYPE, num_virtual_tokens=6, num_transformer_submodules=1
    )
    ours = model.run("cow 1", max_new_tokens=8).generated_text
    tuned = peft.get_peft_model(model.model.model, config)
    with torch.no_grad():
        tuned.prompt_encoder["default"].embedding.weight.copy_(model.prompts[PART[kind]])
    found = tuned.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=8, do_sample=False
    )[0]
    assert model.model.tokenizer.decode(found, skip_special_tokens=True) == ours


def test_a_prompt_learns_and_the_model_stays(tiny_models: dict[str, str]) -> None:
    import torch

    resource = HFAutoCausalLM.bootstrap(tiny_models["llama"])
    before = {name: value.clone() for name, value in resource.model.state_dict().items()}
    records = [GenerationTrainRecord(input="cow", output=" gold")] * 8
    model = train(resource, records, num_epochs=40, learning_rate=0.3)
    losses = [entry["value"] for entry in model.training_metadata["loss"]]
    assert losses[-1] < losses[0] / 2
    after = resource.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert all(each.requires_grad for each in resource.model.parameters())


def test_epochs_and_accumulation(tiny_models: dict[str, str], loss_records: list[Any]) -> None:
    model = train(tiny_models["gpt2"], loss_records, num_epochs=2, batch_size=4, accumulate_steps=2)
    assert [entry["step"] for entry in model.training_metadata["loss"]] == [1, 2, 3, 4]


def test_a_prompt_begins_with_a_text(tiny_models: dict[str, str], loss_records: list[Any]) -> None:
    import torch

    config = TuningConfig(
        num_virtual_tokens=5, prompt_tuning_init_method="TEXT", prompt_tuning_init_text="The cow"
    )
    model = train(tiny_models["gpt2"], loss_records, config, num_epochs=0)
    resource = model.model
    ids = resource.tokenizer("The cow")["input_ids"]
    vectors = resource.model.get_input_embeddings().weight[[ids[0], ids[1], ids[0], ids[1], ids[0]]]
    assert torch.allclose(model.prompts["DECODER"], vectors.detach())


def test_prompts_for_both_parts(tiny_models: dict[str, str], loss_records: list[Any], tmp_path: Path) -> None:
    config = TuningConfig(num_virtual_tokens=3, output_model_types=["ENCODER", "DECODER"])
    model = train(tiny_models["t5"], loss_records, config, tuning_type="MULTITASK_PROMPT_TUNING")
    model.save(str(tmp_path), save_base_model=True)
    assert (tmp_path / "encoder.pt").is_file()
    assert (tmp_path / "decoder.pt").is_file()
    assert caikit.load(str(tmp_path)).run("cow").generated_text == model.run("cow").generated_text


def test_shared_prompts_come_from_a_file(
    tiny_models: dict[str, str],
    loss_records: list[Any],
    tmp_path: Path,
    temp_config: Callable[[dict[str, Any]], None],
) -> None:
    import torch

    # What peft reads: the vectors that tasks share, and the factors of one task.
    vectors = torch.full((3, 32), 0.5)
    torch.save(
        {
            "prompt_embeddings": vectors,
            "prefix_task_cols": torch.ones(1, 3, 1),
            "prefix_task_rows": torch.ones(1, 1, 32),
        },
        tmp_path / "source.bin",
    )
    temp_config({"source_prompt_base": str(tmp_path)})
    config = TuningConfig(
        num_virtual_tokens=3,
        prompt_tuning_init_method="ONLY_SOURCE_SHARED",
        prompt_tuning_init_source_model="source.bin",
    )
    model = train(
        tiny_models["gpt2"], loss_records, config, tuning_type="MULTITASK_PROMPT_TUNING", num_epochs=0
    )
    assert list(model.prompts["DECODER"].shape) == [3, 32]
    missing = TuningConfig.from_json({**config.to_dict(), "prompt_tuning_init_source_model": "nothing.bin"})
    with pytest.raises(FileNotFoundError, match=r"nothing\.bin"):
        train(tiny_models["gpt2"], loss_records, missing, tuning_type="MULTITASK_PROMPT_TUNING")


def test_the_loss_of_other_examples(tiny_models: dict[str, str], loss_records: list[Any]) -> None:
    model = train(
        tiny_models["gpt2"], loss_records, num_epochs=3, val_stream=DataStream.from_iterable(loss_records[:4])
    )
    assert len(model.training_metadata["validation_loss"]) == 3


def test_records_of_classification(tiny_models: dict[str, str]) -> None:
    record = ClassificationTrainRecord(text="cow", labels=["animal"])
    assert train(tiny_models["gpt2"], [record]).run("cow").finish_reason in (
        FinishReason.MAX_TOKENS,
        FinishReason.EOS_TOKEN,
    )


def test_the_base_model_is_found_below_a_directory(
    tiny_models: dict[str, str],
    loss_records: list[Any],
    tmp_path: Path,
    temp_config: Callable[[dict[str, Any]], None],
) -> None:
    temp_config({"base_models_dir": str(Path(tiny_models["gpt2"]).parent)})
    model = train("gpt2", loss_records)
    model.save(str(tmp_path / "model"))
    config = yaml.safe_load((tmp_path / "model" / "config.yml").read_text())
    assert (config["base_model_name"], config["has_base_model"]) == ("gpt2", False)
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "config.yml",
        "decoder.pt",
        "training_logs.jsonl",
    ]
    assert caikit.load(str(tmp_path / "model")).run("cow").generated_text == model.run("cow").generated_text
    temp_config({"base_models_dir": ""})
    with pytest.raises(ValueError, match=r"base_model not provided\."):
        PeftPromptTuning.load(str(tmp_path / "model"))


def test_a_folder_of_the_published_release(
    tiny_models: dict[str, str], loss_records: list[Any], tmp_path: Path
) -> None:
    import torch

    model = train(tiny_models["gpt2"], loss_records)
    model.model.model.save_pretrained(tmp_path / "base")
    model.model.tokenizer.save_pretrained(tmp_path / "base")
    torch.save(model.prompts["DECODER"], tmp_path / "decoder.pt")
    settings = {
        "module_id": "6655831b-960a-4dc5-8df4-867026e2cd41",
        "module_class": "caikit_nlp.modules.text_generation.peft_prompt_tuning.PeftPromptTuning",
        "name": "Peft generation",
        "version": "0.1.0",
        "caikit_nlp_version": "0.5.15",
        "base_model_config": {"vocab_size": 303},
        "base_model_name": "gpt2",
        "eos_token": "</s>",
        "has_base_model": True,
        "verbalizer": "{{input}}",
        "tuning_type": "PROMPT_TUNING",
        "task_type": "CAUSAL_LM",
        "trained_torch_dtype": "float32",
        "output_model_types": '["DECODER"]',
        "ENCODER": "",
        "DECODER": "decoder.pt",
        "full_model_path": "base",
        "tokenizer_path": "base",
        "training_logs": "training_logs.jsonl",
    }
    (tmp_path / "config.yml").write_text(yaml.safe_dump(settings))
    assert caikit.load(str(tmp_path)).run("cow").generated_text == model.run("cow").generated_text


def test_tokenization_is_not_there(tiny_models: dict[str, str], loss_records: list[Any]) -> None:
    model = train(tiny_models["gpt2"], loss_records, num_epochs=0)
    with pytest.raises(NotImplementedError, match="Tokenization not implemented for local"):
        model.run_tokenizer("cow")
    with pytest.raises(TypeError, match="`text`"):
        model.run(7)


def test_the_size_of_the_model_includes_the_prompt(
    tiny_models: dict[str, str], loss_records: list[Any]
) -> None:
    model = train(tiny_models["gpt2"], loss_records, num_epochs=0)
    result = model.run("cow", max_new_tokens=1000, min_new_tokens=1000)
    assert result.finish_reason == FinishReason.TOKEN_LIMIT
    assert result.generated_tokens == 128 - 6 - result.input_token_count + 1


@pytest.mark.parametrize(
    ("config", "parameters", "error", "message"),
    [
        ({}, {"tuning_type": "LORA"}, NotImplementedError, "LORA tuning type not supported!"),
        ({"num_virtual_tokens": 0}, {}, ValueError, "num_virtual_tokens not provided in tuning_config"),
        (
            {"prompt_tuning_init_method": "MAGIC"},
            {},
            ValueError,
            "Init method [MAGIC] not in allowed init methods: [",
        ),
        ({"prompt_tuning_init_method": "TEXT"}, {}, ValueError, "prompt_tuning_init_text not provided"),
        (
            {},
            {"verbalizer": "no placeholder"},
            ValueError,
            "Provided verbalizer is an invalid type or has no renderable placeholders",
        ),
        ({}, {"verbalizer": "{{nothing}}"}, ValueError, "`nothing`"),
        ({}, {"base_model": "../gpt2"}, ValueError, "invalid characters in base_model name"),
        ({}, {"base_model": "gpt 2"}, ValueError, "invalid characters in base_model name"),
        (
            {"output_model_types": ["ENCODER"]},
            {},
            ValueError,
            "['ENCODER'] not supported for base model type CAUSAL_LM",
        ),
        (
            {"output_model_types": ["DECODER", "DECODER"]},
            {},
            ValueError,
            "Too many output model types. Got 2, maximum 1",
        ),
        ({}, {"records": []}, ValueError, "train_stream cannot be empty"),
        ({}, {"val_stream": DataStream.from_iterable([])}, ValueError, "val_stream cannot be empty"),
        ({}, {"records": ["text"]}, TypeError, "train_record"),
    ],
)
def test_errors(
    tiny_models: dict[str, str],
    loss_records: list[Any],
    config: dict[str, Any],
    parameters: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    tuning = TuningConfig.from_json({"num_virtual_tokens": 4, **config})
    base_model = parameters.get("base_model", tiny_models["gpt2"])
    records = parameters.get("records", loss_records)
    rest = {key: value for key, value in parameters.items() if key not in ("base_model", "records")}
    with pytest.raises(error) as raised:
        train(base_model, records, tuning, **rest)
    assert message in str(raised.value)


def test_too_many_examples(
    tiny_models: dict[str, str], loss_records: list[Any], temp_config: Callable[[dict[str, Any]], None]
) -> None:
    temp_config({"training_data_limit": {PeftPromptTuning.MODULE_ID: {"__default__": 3}}})
    with pytest.raises(ValueError, match=r"Number of examples \(10\) exceeds .* \(3\) for this model"):
        train(tiny_models["gpt2"], loss_records)
