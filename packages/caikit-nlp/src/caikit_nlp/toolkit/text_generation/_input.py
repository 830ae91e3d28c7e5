"""From a text to the tokens that a model gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import alog

from caikit.core.exceptions import error_handler

from .._long_texts import beginning

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["Prompt", "encode", "positions_of", "read_prompt"]

log = alog.use_channel("GENINPUT")
error = error_handler.get(log)


@dataclass(frozen=True, slots=True)
class Prompt:
    """The tokens of a text; a model that needs at least one gets `given`."""

    ids: list[int]
    given: list[int]


def encode(tokenizer: PreTrainedTokenizerBase, text: str) -> tuple[list[int], list[bool]]:
    """All tokens of a text, and which of them the tokenizer has added by itself."""
    # Truncation and padding stay off: they are settings of the tokenizer that all threads share.
    encoded: Any = tokenizer(
        text, truncation=False, padding=False, return_special_tokens_mask=True, verbose=False
    )
    return list(encoded["input_ids"]), [bool(flag) for flag in encoded["special_tokens_mask"]]


def positions_of(config: Any) -> int | None:
    """The most tokens that a model of this configuration takes, if it says."""
    text_config = config.get_text_config() if hasattr(config, "get_text_config") else config
    positions = getattr(text_config, "max_position_embeddings", None)
    return positions if isinstance(positions, int) and positions > 0 else None


def read_prompt(
    tokenizer: PreTrainedTokenizerBase, text: str, truncate_to: int, *, room: int | None, output: int
) -> Prompt:
    """The tokens of a text, `truncate_to` of them at most.

    0 does not truncate; a negative number leaves what fits into the `room` of the model together with `output` new
    tokens. A text that does not fit is refused.
    """
    if truncate_to < 0 and room is not None:
        truncate_to = max(room - output, 1)
    side = getattr(tokenizer, "truncation_side", "right")
    part = _looked_at(tokenizer, text, truncate_to, room, side)
    ids, added = encode(tokenizer, part)
    if 0 < truncate_to < len(ids):
        ids = _truncated(ids, added, truncate_to, side)
    if room is not None and len(ids) > room:
        error(
            "<NLP48137029E>",
            ValueError(
                f"The input has {'more than ' if part is not text else ''}{len(ids)} tokens, "
                f"this model takes {room} at most: shorten the text, "
                "or set truncate_input_tokens"
            ),
        )
    return Prompt(ids, ids or [_beginning(tokenizer)])


def _looked_at(
    tokenizer: PreTrainedTokenizerBase, text: str, truncate_to: int, room: int | None, side: str
) -> str:
    """As much of a text as is needed to know its first tokens, or that it does not fit."""
    most = truncate_to if truncate_to > 0 else room
    if not most or (truncate_to > 0 and side == "left"):
        return text
    return beginning(text, most, lambda part: len(encode(tokenizer, part)[0]))


def _truncated(ids: list[int], added: list[bool], length: int, side: str) -> list[int]:
    """Without tokens of the text at one side; those that the tokenizer has added are the last to go."""
    surplus = len(ids) - length
    own = [index for index, is_added in enumerate(added) if not is_added]
    dropped = set(own[:surplus] if side == "left" else own[max(len(own) - surplus, 0) :])
    return [token for index, token in enumerate(ids) if index not in dropped][:length]


def _beginning(tokenizer: PreTrainedTokenizerBase) -> int:
    for token_id in (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id):
        if isinstance(token_id, int):
            return token_id
    return error("<NLP48137030E>", ValueError("The text is empty, and this model has no token to begin with"))
