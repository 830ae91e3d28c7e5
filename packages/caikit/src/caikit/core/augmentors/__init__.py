"""Change items of training data into new ones of the same type."""

from __future__ import annotations

from .base import AugmentorBase
from .merged_augmentor import MergedAugmentor
from .schemes import (
    AlwaysSelectionScheme,
    RandomMultiSelectionScheme,
    RandomSingleSelectionScheme,
    SchemeBase,
)

__all__ = [
    "AlwaysSelectionScheme",
    "AugmentorBase",
    "MergedAugmentor",
    "RandomMultiSelectionScheme",
    "RandomSingleSelectionScheme",
    "SchemeBase",
]
