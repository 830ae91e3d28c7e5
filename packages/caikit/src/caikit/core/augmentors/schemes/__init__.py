"""Which augmentors of several are applied, and in which order."""

from __future__ import annotations

from .always_selection import AlwaysSelectionScheme
from .base import SchemeBase
from .random_multi_selection import RandomMultiSelectionScheme
from .random_single_selection import RandomSingleSelectionScheme

__all__ = [
    "AlwaysSelectionScheme",
    "RandomMultiSelectionScheme",
    "RandomSingleSelectionScheme",
    "SchemeBase",
]
