"""Trainings of language models with examples."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import alog

from caikit.core.data_model import DataStream
from caikit.core.exceptions import error_handler
from caikit.core.model_management import report_progress

from .._imports import require
from ..trainer_utils import log_step, validate_training_data
from .samples import collate, sample_maker

if TYPE_CHECKING:
    from ...resources.pretrained_model.base import PretrainedModelBase

__all__ = ["Training", "tune_model"]

log = alog.use_channel("TXT_TRAIN")
error = error_handler.get(log)

_PASSED_ON = frozenset(
    {
        "adam_beta1",
        "adam_beta2",
        "adam_epsilon",
        "dataloader_pin_memory",
        "disable_tqdm",
        "full_determinism",
        "gradient_checkpointing",
        "label_names",
        "lr_scheduler_type",
        "max_grad_norm",
        "optim",
        "optim_args",
        "warmup_steps",
        "weight_decay",
    }
)
_WITHOUT_EFFECT = frozenset({"group_by_length", "use_ipex"})
_SEQ2SEQ = "SEQ_2_SEQ_LM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How a model is trained."""

    max_source_length: int
    max_target_length: int
    batch_size: int
    num_epochs: int
    accumulate_steps: int
    seed: int
    learning_rate: float
    in_memory: bool = False
    verbalizer: str = "{{input}}"
    task_ids: int | None = None
    quiet: bool = True
    more: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lengths: dict[str, Any] = {
            "max_source_length": self.max_source_length,
            "max_target_length": self.max_target_length,
            "batch_size": self.batch_size,
            "accumulate_steps": self.accumulate_steps,
        }
        error.type_check("<NLP14020391E>", int, num_epochs=self.num_epochs, seed=self.seed, **lengths)
        error.type_check("<NLP14020392E>", float, learning_rate=self.learning_rate)
        error.value_check(
            "<NLP14020395E>",
            0 < self.learning_rate < math.inf,
            f"the learning rate must be a number above 0, got {self.learning_rate}",
        )
        for name, value in lengths.items():
            error.value_check("<NLP14020393E>", value > 0, f"{name} must be positive, got {value}")
        error.value_check(
            "<NLP14020394E>", self.num_epochs >= 0, f"num_epochs must not be negative, got {self.num_epochs}"
        )

    def steps(self, examples: int) -> int:
        """How often the weights change."""
        batches = math.ceil(examples / self.batch_size)
        return self.num_epochs * math.ceil(batches / self.accumulate_steps)


def tune_model(
    model: Any,
    resource: PretrainedModelBase,
    train_stream: DataStream[Any],
    training: Training,
    *,
    model_name: str,
    module_id: str,
    val_stream: DataStream[Any] | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """Train a model with the tokenizer of a resource; returns the log of the losses, by name."""
    error.type_check("<NLP36467206E>", DataStream, train_stream=train_stream)
    error.type_check("<NLP36467207E>", DataStream, allow_none=True, val_stream=val_stream)
    error.value_check("<NLP46653367E>", bool(train_stream), "train_stream cannot be empty")
    if val_stream is not None:
        error.value_check("<NLP46653368E>", bool(val_stream), "val_stream cannot be empty")
    validate_training_data(train_stream, model_name, module_id)
    if training.num_epochs < 1:
        log.warning(
            "<NLP64076114W>",
            "num_epochs is %d: the model stays as it is, no training is done",
            training.num_epochs,
        )
        return {"loss": []}
    require("accelerate", "tuning", "trainings")
    import torch

    try:
        return _train(model, resource, train_stream, val_stream, training)
    except torch.cuda.OutOfMemoryError as missing:
        return error("<NLP07175292E>", MemoryError("Not enough memory available for training!"), missing)


def _train(
    model: Any,
    resource: PretrainedModelBase,
    train_stream: DataStream[Any],
    val_stream: DataStream[Any] | None,
    training: Training,
) -> dict[str, list[dict[str, Any]]]:
    import torch
    import transformers

    seq2seq = resource.TASK_TYPE == _SEQ2SEQ
    make = sample_maker(
        resource.tokenizer,
        seq2seq=seq2seq,
        max_source_length=training.max_source_length,
        max_target_length=training.max_target_length,
        verbalizer=training.verbalizer,
        task_ids=training.task_ids,
    )
    recorder = _recorder()
    config = resource.model.config
    uses_cache = getattr(config, "use_cache", None)
    with tempfile.TemporaryDirectory() as folder:
        trainer = transformers.Trainer(
            model=model,
            args=transformers.TrainingArguments(
                **_arguments(training, len(train_stream), folder, evaluated=val_stream is not None)
            ),
            data_collator=collate(_padding(resource.tokenizer)),
            train_dataset=_data_set(train_stream.map(make), training),
            eval_dataset=None if val_stream is None else list(val_stream.map(make)),
            callbacks=[recorder],
        )
        if seq2seq:
            # These models take the number of tokens of all accumulated batches but do not divide by it: without
            # it, the trainer takes the mean of the batches itself.
            trainer.model_accepts_loss_kwargs = False
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
    for name, weights in model.named_parameters():
        if weights.requires_grad:
            _require_finite(name, bool(torch.isfinite(weights).all()))
    if uses_cache is not None:
        config.use_cache = uses_cache  # The trainer has switched it off, which would be saved with the model.
    model.eval()
    return dict(recorder.losses)


def _data_set(samples: DataStream[Any], training: Training) -> Any:
    from ..data_stream_wrapper import SimpleIterableStreamWrapper

    if training.in_memory:
        return list(samples)
    return SimpleIterableStreamWrapper(samples, shuffle=True, seed=training.seed)


def _padding(tokenizer: Any) -> int:
    for token in (tokenizer.pad_token_id, tokenizer.eos_token_id):
        if isinstance(token, int):
            return token
    return 0


def _arguments(training: Training, examples: int, folder: str, *, evaluated: bool) -> dict[str, Any]:
    """What the trainer gets: our parameters, and those of its own that were given."""
    import torch

    more = dict(training.more)
    ratio = more.pop("warmup_ratio", None)
    if ratio and not more.get("warmup_steps"):
        more["warmup_steps"] = math.ceil(ratio * training.steps(examples))
    for name in more.keys() - _PASSED_ON:
        reason = "has no effect any more" if name in _WITHOUT_EFFECT else "is not known"
        log.warning("<NLP24424909W>", "the training argument %s %s and is ignored", name, reason)
    gpu = torch.cuda.is_available()
    return {
        "output_dir": folder,
        "per_device_train_batch_size": training.batch_size,
        "per_device_eval_batch_size": training.batch_size,
        "num_train_epochs": training.num_epochs,
        "gradient_accumulation_steps": training.accumulate_steps,
        "seed": training.seed,
        "learning_rate": training.learning_rate,
        "eval_strategy": "epoch" if evaluated else "no",
        "save_strategy": "no",
        "logging_strategy": "steps",
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "report_to": "none",
        "remove_unused_columns": False,
        "label_names": ["labels"],
        "dataloader_pin_memory": gpu,
        "use_cpu": not gpu,
        "disable_tqdm": training.quiet,
        **{name: value for name, value in more.items() if name in _PASSED_ON and value is not None},
    }


def _require_finite(name: str, is_finite: bool) -> None:
    error.value_check(
        "<NLP46653369E>",
        is_finite,
        f"the training has gone astray, {name} is no finite number any more: a lower learning rate may help",
    )


def _recorder() -> Any:
    """A listener of the trainer that keeps the losses and tells how far the training is."""
    import transformers

    class Recorder(transformers.TrainerCallback):  # type: ignore[misc, unused-ignore]  # its types are not complete
        def __init__(self) -> None:
            self.losses: dict[str, list[dict[str, Any]]] = {"loss": []}

        def on_log(
            self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any
        ) -> None:
            for key, name in (("loss", "loss"), ("eval_loss", "validation_loss")):
                if logs and key in logs:
                    value = float(logs[key])
                    _require_finite(name, math.isfinite(value))
                    entry = log_step(float(state.epoch or 0.0), state.global_step, value)
                    self.losses.setdefault(name, []).append(entry)
                    report_progress(
                        state.global_step / max(state.max_steps, 1),
                        f"step {state.global_step} of {state.max_steps}",
                        **{name: value},
                    )

    return Recorder()
