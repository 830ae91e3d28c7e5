"""Data objects of the package."""

from __future__ import annotations

from .generation import (
    ExponentialDecayLengthPenalty,
    GenerationTrainRecord,
    PromptOutputModelType,
    TuningConfig,
)

__all__ = ["ExponentialDecayLengthPenalty", "GenerationTrainRecord", "PromptOutputModelType", "TuningConfig"]
