"""Checks of what calls say beside the image."""

from __future__ import annotations

import math


def check_threshold(threshold: float) -> float:
    """Between 0 and 1."""
    if isinstance(threshold, bool) or not isinstance(threshold, (int, float)):
        raise TypeError(f"expected a number as threshold, got {type(threshold).__name__}")
    if math.isnan(threshold) or not 0 <= threshold <= 1:
        raise ValueError(f"expected a threshold between 0 and 1, got {threshold}")
    return threshold


def check_count(name: str, count: int) -> int:
    """One or more."""
    if isinstance(count, bool) or not isinstance(count, int):
        raise TypeError(f"expected a whole number as {name}, got {type(count).__name__}")
    if count < 1:
        raise ValueError(f"expected at least 1 as {name}, got {count}")
    return count
