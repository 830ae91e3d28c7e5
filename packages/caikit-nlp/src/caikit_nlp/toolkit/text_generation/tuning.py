"""Prompts as vectors that are trained while the model stays as it is."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

import alog

from caikit import get_config
from caikit.core.exceptions import error_handler
from caikit.core.toolkit.concurrency.library_lock import library_lock

from ...data_model import PromptOutputModelType, TuningConfig
from .._imports import require

if TYPE_CHECKING:
    import torch

    from ...resources.pretrained_model.base import PretrainedModelBase

__all__ = ["TuningType", "check_tuning_config", "output_types", "prompts_of", "tunable"]

error = error_handler.get(alog.use_channel("TUNING"))

_SOURCE_METHODS = ("ONLY_SOURCE_SHARED", "AVERAGE_SOURCE_TASKS")
_ADAPTER = "default"


class TuningType(str, Enum):
    """How a prompt is trained: alone, or as what several tasks share."""

    PROMPT_TUNING = "PROMPT_TUNING"
    MULTITASK_PROMPT_TUNING = "MULTITASK_PROMPT_TUNING"

    @classmethod
    def of(cls, name: str | TuningType) -> TuningType:
        """The type of this name."""
        error.type_check("<NLP65714994E>", str, tuning_type=name)
        if name not in cls.__members__:
            error("<NLP65714995E>", NotImplementedError(f"{name} tuning type not supported!"))
        return cls[name]


def output_types(
    resource: PretrainedModelBase, kind: TuningType, names: Sequence[str | PromptOutputModelType] | None
) -> list[PromptOutputModelType]:
    """The parts of a model that get prompts, by default what is usual for its kind."""
    if not names:
        return list(resource.PROMPT_OUTPUT_TYPES)
    plain = [name.value if isinstance(name, PromptOutputModelType) else str(name) for name in names]
    # What reads the input always gets a prompt; the decoder of a model with an encoder can have one beside it,
    # which peft trains for several tasks only.
    allowed = [each.value for each in resource.PROMPT_OUTPUT_TYPES]
    if resource.MAX_NUM_TRANSFORMERS > 1 and kind is TuningType.MULTITASK_PROMPT_TUNING:
        allowed.append(PromptOutputModelType.DECODER.value)
    error.value_check(
        "<NLP36947542E>",
        set(plain) <= set(allowed) and plain[0] == allowed[0],
        f"{plain} not supported for base model type {resource.TASK_TYPE}",
    )
    most = resource.MAX_NUM_TRANSFORMERS
    error.value_check(
        "<NLP36947543E>",
        len(plain) <= most,
        f"Too many output model types. Got {len(plain)}, maximum {most}",
    )
    return [PromptOutputModelType(name) for name in dict.fromkeys(plain)]


@contextlib.contextmanager
def tunable(
    resource: PretrainedModelBase, kind: TuningType, config: TuningConfig, parts: int, *, seed: int
) -> Iterator[Any]:
    """The model with trainable prompts for so many of its parts; afterwards it is as it was."""
    import torch

    peft = require("peft", "tuning", "prompt tunings")
    trainable = [each for each in resource.model.parameters() if each.requires_grad]
    settings: dict[str, Any] = {
        "task_type": resource.TASK_TYPE,
        "num_virtual_tokens": _number_of_tokens(config),
        "num_transformer_submodules": parts,
    }
    method = _method(kind, config)
    if kind is TuningType.MULTITASK_PROMPT_TUNING:
        settings["num_tasks"] = 1
        if method in _SOURCE_METHODS:
            settings["prompt_tuning_init"] = method
            settings["prompt_tuning_init_state_dict_path"] = _source_file(config)
        else:
            settings["prompt_tuning_init"] = "RANDOM"
        peft_config = peft.MultitaskPromptTuningConfig(**settings)
    else:
        peft_config = peft.PromptTuningConfig(**settings, prompt_tuning_init="RANDOM")
    try:
        with library_lock("transformers"), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            tuned = _with_adapter(peft, resource.model, peft_config)
        if method == "TEXT":
            _begin_with_text(tuned, resource, config)
        yield tuned.to(resource.model.device)
    finally:
        for each in trainable:
            each.requires_grad_(True)


def _with_adapter(peft: Any, model: Any, config: Any) -> Any:
    with warnings.catch_warnings():
        # The library asks models for an attribute that has another name now.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        return peft.get_peft_model(model, config, adapter_name=_ADAPTER)


def prompts_of(tuned: Any, types: Sequence[PromptOutputModelType]) -> dict[str, torch.Tensor]:
    """The trained vectors, of shape [tokens, dimension], by the part of the model that gets them."""
    import torch

    with torch.inference_mode():
        device = tuned.device
        vectors = tuned.get_prompt(batch_size=1, task_ids=torch.zeros(1, dtype=torch.long, device=device))
    return {
        kind.value: part.detach().cpu().clone()
        for kind, part in zip(types, vectors[0].chunk(len(types)), strict=True)
    }


def check_tuning_config(kind: TuningType, config: TuningConfig) -> None:
    """Refuse a configuration that cannot be used, before a model is loaded."""
    error.type_check("<NLP68225723E>", TuningConfig, tuning_config=config)
    _number_of_tokens(config)
    if _method(kind, config) in _SOURCE_METHODS:
        _source_file(config)


def _number_of_tokens(config: TuningConfig) -> int:
    error.value_check(
        "<NLP94617231E>", config.num_virtual_tokens, "num_virtual_tokens not provided in tuning_config"
    )
    return config.num_virtual_tokens


def _method(kind: TuningType, config: TuningConfig) -> str:
    method = config.prompt_tuning_init_method or "RANDOM"
    allowed = ["TEXT", "RANDOM"]
    if kind is TuningType.MULTITASK_PROMPT_TUNING:
        allowed += _SOURCE_METHODS
    error.value_check(
        "<NLP11848053E>",
        method in allowed,
        f"Init method [{method}] not in allowed init methods: [{allowed}]",
    )
    error.value_check(
        "<NLP11848054E>",
        method != "TEXT" or config.prompt_tuning_init_text,
        "prompt_tuning_init_text not provided in tuning_config",
    )
    return method


def _source_file(config: TuningConfig) -> str:
    path = os.path.join(get_config().source_prompt_base or "", config.prompt_tuning_init_source_model or "")
    error.file_check("<NLP14459532E>", path)
    return path


def _begin_with_text(tuned: Any, resource: PretrainedModelBase, config: TuningConfig) -> None:
    """Set the first vectors to those of the text's tokens, repeated until there are enough."""
    import torch

    ids = resource.tokenizer(config.prompt_tuning_init_text, add_special_tokens=False)["input_ids"]
    weights = tuned.prompt_encoder[_ADAPTER].embedding.weight
    repeated = torch.tensor([ids[index % len(ids)] for index in range(config.num_virtual_tokens)])
    with torch.no_grad():
        vectors = resource.model.get_input_embeddings()(repeated.to(resource.model.device))
        parts = weights.shape[0] // config.num_virtual_tokens
        weights.copy_(vectors.repeat(parts, 1).to(weights.dtype))
