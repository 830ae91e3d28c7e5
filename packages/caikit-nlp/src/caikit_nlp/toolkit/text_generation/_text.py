"""From tokens to text, as the tokens come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["StopMatcher", "TextBuilder", "text_of"]

_INCOMPLETE = "\N{REPLACEMENT CHARACTER}"


def text_of(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> str:
    """The text of tokens, without special ones."""
    text = tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return text if isinstance(text, str) else "".join(text)


class TextBuilder:
    """The text of tokens that follow a context.

    A character can take several tokens, and the text of a token can depend on the one before it: each piece is what
    a token adds to the text of the tokens since the last piece but one.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, context: Sequence[int]) -> None:
        self._tokenizer = tokenizer
        self._ids = list(context)
        self._start = 0
        self._told = len(self._ids)

    def add(self, token: int) -> str:
        """The text that is complete with this token."""
        self._ids.append(token)
        known, text = self._texts()
        if len(text) <= len(known) or text.endswith(_INCOMPLETE):
            return ""
        self._start, self._told = self._told, len(self._ids)
        return text[len(known) :]

    def finish(self) -> str:
        """The rest, whole characters or not."""
        known, text = self._texts()
        self._start = self._told = len(self._ids)
        return text[len(known) :]

    def _texts(self) -> tuple[str, str]:
        return (
            text_of(self._tokenizer, self._ids[self._start : self._told]),
            text_of(self._tokenizer, self._ids[self._start :]),
        )


class StopMatcher:
    """Ends a text at the first of several sequences, which belongs to the text or does not."""

    def __init__(self, sequences: Sequence[str], *, included: bool) -> None:
        self._sequences = [sequence for sequence in sequences if sequence]
        self._longest = max(map(len, self._sequences), default=0)
        self._included = included
        self._tail = ""
        self._held = 0
        self.stopped = False

    def push(self, text: str, *, active: bool = True) -> str:
        """The text that can be told now; `stopped` says whether it is the last. Without `active` nothing stops it."""
        if not self._sequences:
            return text
        old = len(self._tail)
        self._tail += text
        told = old - self._held
        end = self._end_of_match(old) if active else None
        if end is not None:
            self.stopped = True
            self._held = 0
            return self._tail[told : max(end, told)]
        self._held = 0 if self._included else self._possible_beginning()
        ready = self._tail[told : len(self._tail) - self._held]
        self._tail = self._tail[-max(self._longest, self._held) :]
        return ready

    def finish(self) -> str:
        """What was held back because it could have been the beginning of a sequence."""
        held, self._held = self._held, 0
        return self._tail[len(self._tail) - held :] if held else ""

    def _end_of_match(self, old: int) -> int | None:
        """Where the text ends if a sequence is completed by what is new, that is after `old`."""
        matches = [
            (found, len(sequence))
            for sequence in self._sequences
            if (found := self._tail.find(sequence, max(0, old - len(sequence) + 1))) >= 0
        ]
        if not matches:
            return None
        start, length = min(matches)
        return start + length if self._included else start

    def _possible_beginning(self) -> int:
        return max(
            (
                length
                for sequence in self._sequences
                for length in range(1, len(sequence))
                if self._tail.endswith(sequence[:length])
            ),
            default=0,
        )
