"""Classes of texts."""

from __future__ import annotations

from .sequence_classification import SequenceClassification

__all__ = ["SequenceClassification"]
