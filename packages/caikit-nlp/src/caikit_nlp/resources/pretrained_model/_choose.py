"""The kind of resource that fits a model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import alog

from caikit.core.exceptions import error_handler
from caikit.core.toolkit.concurrency.library_lock import library_lock

from ...toolkit._downloads import explained_if_missing, local_files_only
from ...toolkit._imports import require
from .base import PretrainedModelBase

__all__ = ["resource_for"]

error = error_handler.get(alog.use_channel("HFCHOOSE"))

_SEQ2SEQ = "SEQ_2_SEQ_LM"


def resource_for(
    model_name: str | os.PathLike[str], resources: Sequence[type[PretrainedModelBase]]
) -> type[PretrainedModelBase]:
    """The first resource that supports the model's type.

    Some types have a class for each way to generate; the configuration says whether the model has an encoder.
    """
    transformers = require("transformers", "torch", "models that generate text")
    with library_lock("transformers"), explained_if_missing(model_name):
        config: Any = transformers.AutoConfig.from_pretrained(model_name, local_files_only=local_files_only())
    reads_first = bool(getattr(config, "is_encoder_decoder", False))
    for resource in sorted(resources, key=lambda each: (each.TASK_TYPE == _SEQ2SEQ) != reads_first):
        if config.model_type in resource.SUPPORTED_MODEL_TYPES:
            return resource
    return error("<NLP61784225E>", ValueError(f"{config.model_type} model type is not supported currently!"))
