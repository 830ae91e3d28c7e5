"""Examples as what a model is trained with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ...data_model import GenerationTrainRecord
from ..task_specific_utils import convert_to_generation_record
from ..verbalizer_utils import render_verbalizer
from ._input import encode

if TYPE_CHECKING:
    import torch

__all__ = ["IGNORED", "Sample", "collate", "sample_maker"]

Sample = dict[str, list[int]]

IGNORED = -100
"""In labels, what says nothing about the quality of a prediction."""


def sample_maker(
    tokenizer: Any,
    *,
    seq2seq: bool,
    max_source_length: int,
    max_target_length: int,
    verbalizer: str = "{{input}}",
    task_ids: int | None = None,
) -> Callable[[Any], Sample]:
    """The function that makes a sample of a record."""
    make = _seq2seq_sample if seq2seq else _causal_sample

    def sample(record: Any) -> Sample:
        example = convert_to_generation_record(record)
        source, _ = encode(tokenizer, render_verbalizer(verbalizer, example))
        target = _target(tokenizer, example)
        made = make(source[:max_source_length], target[:max_target_length], tokenizer.eos_token_id)
        if task_ids is not None:
            made["task_ids"] = [task_ids]
        return made

    return sample


def _target(tokenizer: Any, example: GenerationTrainRecord) -> list[int]:
    ids = tokenizer(example.output, add_special_tokens=False, truncation=False, padding=False, verbose=False)
    return list(ids["input_ids"])


def _causal_sample(source: list[int], target: list[int], end: int | None) -> Sample:
    target = target if end is None else [*target, end]
    ids = [*source, *target]
    return {
        "input_ids": ids,
        "attention_mask": [1] * len(ids),
        "labels": [*([IGNORED] * len(source)), *target],
    }


def _seq2seq_sample(source: list[int], target: list[int], end: int | None) -> Sample:
    return {
        "input_ids": source,
        "attention_mask": [1] * len(source),
        "labels": target if end is None else [*target, end],
    }


def collate(pad_token: int) -> Callable[[Sequence[Sample]], dict[str, torch.Tensor]]:
    """The function that makes a batch of samples, as long as the longest of them."""
    fill = {"input_ids": pad_token, "attention_mask": 0, "labels": IGNORED}

    def batch(samples: Sequence[Sample]) -> dict[str, torch.Tensor]:
        import torch

        made: dict[str, torch.Tensor] = {}
        for name, padding in fill.items():
            longest = max(len(sample[name]) for sample in samples)
            made[name] = torch.tensor(
                [sample[name] + [padding] * (longest - len(sample[name])) for sample in samples]
            )
        if "task_ids" in samples[0]:
            made["task_ids"] = torch.tensor([sample["task_ids"][0] for sample in samples])
        return made

    return batch
