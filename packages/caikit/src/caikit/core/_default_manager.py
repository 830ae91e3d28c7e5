"""The model manager of this process; importing this module makes it."""

from __future__ import annotations

from .model_manager import ModelManager

__all__ = [
    "MODEL_MANAGER",
    "extract",
    "get_model_future",
    "get_prediction_future",
    "load",
    "resolve_and_load",
    "start_prediction_job",
    "train",
]

MODEL_MANAGER = ModelManager()

extract = MODEL_MANAGER.extract
get_model_future = MODEL_MANAGER.get_model_future
get_prediction_future = MODEL_MANAGER.get_prediction_future
load = MODEL_MANAGER.load
resolve_and_load = MODEL_MANAGER.resolve_and_load
start_prediction_job = MODEL_MANAGER.start_prediction_job
train = MODEL_MANAGER.train
