"""Texts as numbers.

Each model has a tokenizer of its own that neither cuts nor pads; it is only read, so all threads share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._long_texts import beginning

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

__all__ = ["Encoded", "TextTokenizer"]


@dataclass(frozen=True, slots=True)
class Encoded:
    """The tokens of a text or of a pair of texts, special ones included."""

    ids: tuple[int, ...]
    type_ids: tuple[int, ...]
    was_cut: bool

    def __len__(self) -> int:
        return len(self.ids)


class TextTokenizer:
    """Turns texts into tokens; `pad_id` is the token that fills the shorter texts of a batch."""

    def __init__(self, tokenizer: Tokenizer, pad_id: int, lower_case: bool = False) -> None:
        # A copy, because the two settings below belong to the tokenizer.
        self._tokenizer = type(tokenizer).from_str(tokenizer.to_str())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._lower_case = lower_case
        self.pad_id = pad_id
        self.specials = self._tokenizer.num_special_tokens_to_add(False)
        self.pair_specials = self._tokenizer.num_special_tokens_to_add(True)

    def encode(self, texts: Sequence[str], limits: Sequence[int]) -> list[Encoded]:
        """The tokens of texts, of each at most as many as its limit."""
        prepared = [
            self._prepared(self._beginning(text, limit)) for text, limit in zip(texts, limits, strict=True)
        ]
        found = self._tokenizer.encode_batch_fast(prepared)
        return [
            _encoded(encoding) if len(encoding) <= limit else _cut(encoding, (limit - self.specials,))
            for encoding, limit in zip(found, limits, strict=True)
        ]

    def encode_pairs(self, pairs: Sequence[tuple[str, str]], limit: int) -> list[Encoded]:
        """The tokens of pairs; of one that is too long the longer text is cut first."""
        parts = {text: self._prepared(self._beginning(text, limit)) for pair in pairs for text in pair}
        prepared = [(parts[first], parts[second]) for first, second in pairs]
        found = self._tokenizer.encode_batch_fast(prepared)
        return [
            _encoded(encoding)
            if len(encoding) <= limit
            else _cut(encoding, _shares(*_lengths(encoding), max(0, limit - self.pair_specials)))
            for encoding in found
        ]

    def spans(self, text: str) -> tuple[int, list[tuple[int, int]]]:
        """The number of tokens, and where in the text those are that stand for a part of it."""
        encoding = self._tokenizer.encode(self._prepared(text))
        return len(encoding), [(start, end) for start, end in encoding.offsets if start < end]

    def _beginning(self, text: str, limit: int) -> str:
        return beginning(text, limit, lambda part: len(self._bare(self._prepared(part))))

    def _prepared(self, text: str) -> str:
        return text.lower() if self._lower_case else text

    def _bare(self, text: str) -> Encoding:
        return self._tokenizer.encode(text, add_special_tokens=False)


def _encoded(encoding: Any) -> Encoded:
    return Encoded(tuple(encoding.ids), tuple(encoding.type_ids), False)


def _cut(encoding: Any, rooms: Sequence[int]) -> Encoded:
    """The first tokens of each text, as many as it has room for, and all special ones around them."""
    # The tokenizer could do this, but it also makes all combinations of what is cut off.
    left = list(rooms)
    kept = []
    for index, sequence in enumerate(encoding.sequence_ids):
        if sequence is not None:
            left[sequence] -= 1
        if sequence is None or left[sequence] >= 0:
            kept.append(index)
    ids, type_ids = encoding.ids, encoding.type_ids
    return Encoded(tuple(ids[index] for index in kept), tuple(type_ids[index] for index in kept), True)


def _lengths(encoding: Any) -> tuple[int, int]:
    """How many tokens are from the first and from the second text of a pair."""
    sequences = encoding.sequence_ids
    return sequences.count(0), sequences.count(1)


def _shares(first: int, second: int, room: int) -> tuple[int, int]:
    """How many tokens two texts keep: the shorter one all of its own as long as it needs less than half."""
    shorter, longer = sorted((first, second))
    if shorter * 2 <= room:
        longer = min(longer, room - shorter)
    else:
        shorter, longer = room // 2, room - room // 2
    return (shorter, longer) if first <= second else (longer, shorter)
