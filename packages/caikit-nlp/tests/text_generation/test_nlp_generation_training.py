"""Fine-tuning, and what it leaves behind."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caikit.core.data_model import DataStream
from caikit.interfaces.nlp.data_model import ClassificationTrainRecord
from caikit_nlp.data_model import GenerationTrainRecord
from caikit_nlp.modules.text_generation import TextGeneration


def stream(records: list[Any]) -> DataStream[Any]:
    return DataStream.from_iterable(records)


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("kind", ["gpt2", "bart"])
def test_epochs_and_accumulation(
    tiny_models: dict[str, str], loss_records: list[Any], kind: str, in_memory: bool
) -> None:
    model = TextGeneration.train(
        tiny_models[kind],
        stream(loss_records),
        num_epochs=3,
        batch_size=4,
        accumulate_steps=2,
        lr=1e-4,
        use_iterable_dataset=not in_memory,
    )
    # 10 examples are 3 batches, which are 2 steps.
    losses = model.training_metadata["loss"]
    assert [entry["step"] for entry in losses] == [1, 2, 3, 4, 5, 6]
    assert losses[-1]["epoch"] == 3.0
    assert set(losses[0]) == {"epoch", "step", "value", "timestamp"}


@pytest.mark.parametrize("kind", ["gpt2", "bart"])
def test_accumulated_batches_count_like_one(
    tiny_models: dict[str, str], loss_records: list[Any], kind: str
) -> None:
    from transformers.utils import logging as library_logging

    library_logging.disable_progress_bar()
    losses = [
        TextGeneration.train(
            tiny_models[kind],
            stream(loss_records[:8]),
            num_epochs=1,
            batch_size=size,
            accumulate_steps=8 // size,
            lr=1e-6,
            use_iterable_dataset=False,
        ).training_metadata["loss"]
        for size in (8, 2)
    ]
    assert [len(each) for each in losses] == [1, 1]
    # Dropout makes them differ a little.
    assert losses[0][0]["value"] == pytest.approx(losses[1][0]["value"], rel=0.3)


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_a_model_learns(tiny_models: dict[str, str], kind: str, tmp_path: Path) -> None:
    records = [GenerationTrainRecord(input="cow", output=" gold")] * 8
    model = TextGeneration.train(
        tiny_models[kind],
        stream(records),
        num_epochs=30,
        batch_size=8,
        accumulate_steps=1,
        lr=2e-2,
        lr_scheduler_type="constant",
    )
    losses = [entry["value"] for entry in model.training_metadata["loss"]]
    assert losses[-1] < losses[0] / 3
    assert model.model.model.config.use_cache is True
    assert model.run("cow", preserve_input_text=False).generated_text == " gold"
    model.save(str(tmp_path))
    lines = [json.loads(line) for line in (tmp_path / "training_logs.jsonl").read_text().splitlines()]
    assert [line["name"] for line in lines] == ["loss"] * 30
    assert [line["data"] for line in lines] == model.training_metadata["loss"]
    loaded = TextGeneration.load(str(tmp_path))
    assert loaded.run("cow").generated_text == model.run("cow").generated_text
    assert loaded.training_metadata == model.training_metadata


def test_the_same_seed_gives_the_same_model(tiny_models: dict[str, str], loss_records: list[Any]) -> None:
    def losses(seed: int) -> list[float]:
        model = TextGeneration.train(
            tiny_models["gpt2"],
            stream(loss_records),
            num_epochs=1,
            batch_size=2,
            accumulate_steps=1,
            random_seed=seed,
        )
        return [entry["value"] for entry in model.training_metadata["loss"]]

    assert losses(5) == pytest.approx(losses(5))
    assert losses(5) != pytest.approx(losses(6))


def test_records_of_classification(tiny_models: dict[str, str]) -> None:
    records = [ClassificationTrainRecord(text="cow", labels=["animal", "big"])] * 3
    model = TextGeneration.train(tiny_models["gpt2"], stream(records), num_epochs=1)
    assert len(model.training_metadata["loss"]) == 1


def test_no_epochs_leave_the_model(
    tiny_models: dict[str, str], loss_records: list[Any], causal: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        model = TextGeneration.train(tiny_models["gpt2"], stream(loss_records), num_epochs=0)
    assert "no training is done" in caplog.text
    assert model.run("cow").generated_text == causal.run("cow").generated_text


def test_arguments_of_the_trainer(
    tiny_models: dict[str, str], loss_records: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        TextGeneration.train(
            tiny_models["gpt2"],
            stream(loss_records),
            num_epochs=1,
            weight_decay=0.1,
            adam_beta1=0.8,
            warmup_ratio=0.5,
            group_by_length=True,
            nonsense=1,
        )
    for name, reason in (("group_by_length", "has no effect any more"), ("nonsense", "is not known")):
        assert name in caplog.text
        assert reason in caplog.text
    assert "weight_decay" not in caplog.text


@pytest.mark.parametrize("count", [1, 4])
def test_a_training_that_goes_astray(
    tiny_models: dict[str, str], loss_records: list[Any], count: int
) -> None:
    """Whether the loss tells it, or only the weights after the last step."""
    examples = stream(loss_records[:count])
    with pytest.raises(ValueError, match="no finite number any more: a lower learning rate may help"):
        TextGeneration.train(
            tiny_models["gpt2"], examples, num_epochs=1, batch_size=1, accumulate_steps=1, lr=1e300
        )


def test_no_examples(tiny_models: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="train_stream cannot be empty"):
        TextGeneration.train(tiny_models["gpt2"], stream([]))


@pytest.mark.parametrize("key", ["__default__", "gpt2"])
def test_too_many_examples(
    tiny_models: dict[str, str],
    loss_records: list[Any],
    temp_config: Callable[[dict[str, Any]], None],
    key: str,
) -> None:
    name = tiny_models["gpt2"] if key == "gpt2" else key
    temp_config({"training_data_limit": {TextGeneration.MODULE_ID: {name: 9}}})
    message = r"Number of examples \(10\) exceeds the maximum number of examples allowed \(9\) for this model"
    with pytest.raises(ValueError, match=message):
        TextGeneration.train(tiny_models["gpt2"], stream(loss_records))


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"batch_size": 0}, ValueError),
        ({"accumulate_steps": 0}, ValueError),
        ({"lr": 1}, TypeError),
        ({"lr": -0.1}, ValueError),
        ({"lr": float("nan")}, ValueError),
    ],
)
def test_bad_parameters(
    tiny_models: dict[str, str], loss_records: list[Any], parameters: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        TextGeneration.train(tiny_models["gpt2"], stream(loss_records), **parameters)
