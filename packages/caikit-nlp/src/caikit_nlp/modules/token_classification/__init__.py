"""Classes of parts of texts."""

from __future__ import annotations

from .filtered_span_classification import FilteredSpanClassification

__all__ = ["FilteredSpanClassification"]
