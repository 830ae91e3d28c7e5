"""Texts that are much longer than what a model takes: tokenizing all of one costs seconds for nothing."""

from __future__ import annotations

from collections.abc import Callable

import alog

from caikit import get_config
from caikit.core.exceptions import error_handler

__all__ = ["beginning", "check_length"]

error = error_handler.get(alog.use_channel("LONGTEXT"))

_CHARACTERS_PER_TOKEN = 16
_GROWTH = 8
_MARGIN = 128
"""Tokens at the end of a part that may not be those of the text: tokenizers look at no more than a word."""
_LOOK_BACK = 256
_WORTH_WHILE = 4


def beginning(text: str, tokens: int, count: Callable[[str], int]) -> str:
    """A part of a text that begins with the same `tokens` tokens and has more of them; all of a text that is not long.

    `count` gives the number of tokens of a text.
    """
    needed = max(0, tokens) + _MARGIN
    length = needed * _CHARACTERS_PER_TOKEN
    # Close to the end, a part costs as much as the whole.
    while length * _WORTH_WHILE < len(text):
        part = text[: _end_of_word(text, length)]
        if count(part) >= needed:
            return part
        length *= _GROWTH
    return text


def check_length(text: str) -> None:
    """Raises ValueError for a text that is too long to be tokenized as a whole, which nothing can interrupt."""
    most = get_config().tokenization.max_characters
    error.value_check(
        "<NLP61840218E>",
        not most or len(text) <= most,
        "The text has {} characters, of which {} at most are tokenized (tokenization.max_characters)",
        len(text),
        most,
    )


def _end_of_word(text: str, length: int) -> int:
    """Where white space begins, if there is some shortly before."""
    for end in range(length, length - _LOOK_BACK, -1):
        if text[end].isspace():
            return end
    return length
