"""Checks of training data, and the log of a training."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import alog

from caikit import get_config
from caikit.core.data_model import DataStream
from caikit.core.exceptions import error_handler

__all__ = [
    "TRAINING_LOGS_FILE_NAME",
    "load_training_logs",
    "log_step",
    "save_training_logs",
    "training_data_limit",
    "validate_training_data",
]

error = error_handler.get(alog.use_channel("TRNR_UTILS"))

TRAINING_LOGS_FILE_NAME = "training_logs.jsonl"


def training_data_limit(model_name: str, module_id: str) -> int:
    """The most examples for a model; 0 or less stands for no limit."""
    limits = get_config().training_data_limit or {}
    of_module = limits.get(module_id) or {}
    for limit in (of_module.get(model_name), of_module.get("__default__"), limits.get("__default__")):
        if isinstance(limit, int):
            return limit
    return -1


def validate_training_data(train_stream: DataStream[Any], model_name: str, module_id: str) -> None:
    """Refuse more examples than are allowed."""
    limit = training_data_limit(model_name, module_id)
    if limit > 0:
        examples = len(train_stream)
        error.value_check(
            "<NLP77627434E>",
            examples <= limit,
            f"Number of examples ({examples}) exceeds the maximum number of examples allowed ({limit}) for this model",
        )


def log_step(epoch: float, step: int, value: float) -> dict[str, Any]:
    """A line of the log."""
    return {
        "epoch": epoch,
        "step": step,
        "value": value,
        "timestamp": datetime.now(timezone.utc).isoformat(),
    }


def save_training_logs(metadata: Mapping[str, list[dict[str, Any]]], model_path: str) -> None:
    """Write the log into a model's directory, if the model was trained."""
    lines = [
        json.dumps({"name": name, "data": entry}) + "\n"
        for name, entries in metadata.items()
        for entry in entries
    ]
    if lines:
        Path(model_path, TRAINING_LOGS_FILE_NAME).write_text("".join(lines), encoding="utf-8")


def load_training_logs(model_path: str, file_name: str | None) -> dict[str, list[dict[str, Any]]]:
    """The log in a model's directory; without one there is nothing."""
    metadata: dict[str, list[dict[str, Any]]] = {}
    path = Path(model_path, file_name or TRAINING_LOGS_FILE_NAME)
    if os.path.isfile(path):
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            metadata.setdefault(entry["name"], []).append(entry["data"])
    return metadata
