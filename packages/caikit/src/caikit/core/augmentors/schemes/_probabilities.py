"""What selection schemes are given to choose by."""

from __future__ import annotations

from collections.abc import Sequence

import alog

from caikit.core.exceptions import error_handler

from ..base import AugmentorBase

log = alog.use_channel("AUGSCHM")
error = error_handler.get(log)


def check_probabilities(probabilities: Sequence[float], augmentors: Sequence[AugmentorBase]) -> None:
    """Raise unless there is one probability in 0..1 for each augmentor."""
    error.type_check("<COR72611725E>", list, tuple, selection_probs=probabilities)
    error.type_check_all("<COR72611726E>", int, float, selection_probs=probabilities)
    error.value_check(
        "<COR72611727E>",
        len(probabilities) == len(augmentors),
        "Number of selection probabilties must match the number of augmentors",
    )
    error.value_check(
        "<COR72611728E>",
        all(0 <= probability <= 1 for probability in probabilities),
        "Selection probabilities must be in the range [0, 1]",
    )
