"""Data objects of the server's own services."""

from __future__ import annotations

from caikit.core.data_model import JobStatus, TrainingStatus
from caikit.core.data_model.runtime_context import RuntimeServerContextType

from . import info, model_management, package, prediction, training_management
from .info import ModelInfo, ModelInfoRequest, ModelInfoResponse, RuntimeInfoRequest, RuntimeInfoResponse
from .model_management import DeployModelRequest, UndeployModelRequest
from .prediction import PredictionJob, PredictionJobInfoRequest, PredictionJobStatusResponse
from .training_management import ModelPointer, TrainingInfoRequest, TrainingJob, TrainingStatusResponse

__all__ = [
    "DeployModelRequest",
    "JobStatus",
    "ModelInfo",
    "ModelInfoRequest",
    "ModelInfoResponse",
    "ModelPointer",
    "PredictionJob",
    "PredictionJobInfoRequest",
    "PredictionJobStatusResponse",
    "RuntimeInfoRequest",
    "RuntimeInfoResponse",
    "RuntimeServerContextType",
    "TrainingInfoRequest",
    "TrainingJob",
    "TrainingStatus",
    "TrainingStatusResponse",
    "UndeployModelRequest",
    "info",
    "model_management",
    "package",
    "prediction",
    "training_management",
]
