"""From vectors of tokens to one vector of a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import alog

from caikit.core.exceptions import error_handler

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["Pooling", "normalized"]

error = error_handler.get(alog.use_channel("EMBED_POOL"))

_SMALLEST = 1e-9


class Pooling:
    """What a pooling layer does, without torch."""

    MODES = ("cls", "lasttoken", "max", "mean", "mean_sqrt_len_tokens", "weightedmean")

    def __init__(self, mode: str) -> None:
        error.value_check(
            "<NLP40213657E>",
            mode in self.MODES,
            "expected one of {} for the pooling of an ONNX model, got {}",
            ", ".join(self.MODES),
            mode,
        )
        self._mode = mode

    def __call__(self, tokens: Array, mask: Array) -> Array:
        import numpy as np

        weights = mask[:, :, None].astype(tokens.dtype)
        if self._mode == "cls":
            first: Array = tokens[:, 0]
            return first
        if self._mode == "lasttoken":
            last: Array = tokens[np.arange(len(tokens)), mask.sum(axis=1) - 1]
            return last
        if self._mode == "max":
            highest: Array = np.where(weights > 0, tokens, -np.inf).max(axis=1)
            return highest
        if self._mode == "weightedmean":
            weights = weights * np.arange(1, tokens.shape[1] + 1, dtype=tokens.dtype)[None, :, None]
        total: Array = (tokens * weights).sum(axis=1)
        count = np.maximum(weights.sum(axis=1), _SMALLEST)
        mean: Array = total / (np.sqrt(count) if self._mode == "mean_sqrt_len_tokens" else count)
        return mean


def normalized(rows: Array) -> Array:
    """Each row with length 1; a row of zeros stays."""
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    found: Array = rows / np.maximum(lengths, 1e-12)
    return found
