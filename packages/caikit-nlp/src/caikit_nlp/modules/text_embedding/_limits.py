"""How long texts may be, and what happens to those that are longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import alog

from caikit.core.exceptions import error_handler

from ...toolkit._tokens import Encoded

__all__ = ["Limit", "pair_limit", "text_limit"]

error = error_handler.get(alog.use_channel("EMBED_LIM"))

_PAIR_MINIMUM = 5


@dataclass(frozen=True, slots=True)
class Limit:
    """The most tokens of a text, special ones included, and whether one that has more is refused."""

    tokens: int
    refuses: bool
    explanation: str

    def check(self, texts: Sequence[Encoded], positions: Sequence[int] | None) -> None:
        """Refuse texts that were cut; `positions` says where they are in the caller's list, if there is one."""
        if not self.refuses:
            return
        cut = [index for index, text in enumerate(texts) if text.was_cut]
        if not cut:
            return
        message = (
            f"Token sequence length ({self.explanation}) exceeds the maximum sequence length for this model "
            f"({self.tokens})"
        )
        if positions is not None:
            places = sorted({positions[index] for index in cut})
            message += f" for text at index{'es' if len(places) > 1 else ''}: {', '.join(map(str, places))}"
        error("<NLP08391926E>", ValueError(f"{message}."))


def text_limit(requested: int | None, maximum: int, specials: int, refuse: bool) -> Limit:
    """The limit for single texts when a caller asks for so many tokens of their own."""
    tokens = _checked(requested)
    explanation = "+2 for start/end tokens"
    if 0 < tokens <= maximum:
        return Limit(min(tokens + specials, maximum), False, explanation)
    return Limit(maximum, refuse and tokens >= 0, explanation)


def pair_limit(requested: int | None, maximum: int, refuse: bool) -> Limit:
    """The limit for pairs when a caller asks for so many tokens, special ones included."""
    tokens = _checked(requested)
    explanation = "+3 for separators"
    if 0 < tokens <= maximum:
        return Limit(min(max(tokens, _PAIR_MINIMUM), maximum), False, explanation)
    return Limit(maximum, refuse and tokens >= 0, explanation)


def _checked(requested: int | None) -> int:
    error.type_check("<NLP82314993E>", int, allow_none=True, truncate_input_tokens=requested)
    return requested or 0
