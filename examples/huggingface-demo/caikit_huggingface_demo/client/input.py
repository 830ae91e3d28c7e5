"""A part of a form that is made from a message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from keyword import iskeyword
from typing import Any

_TAKEN = "model_id"


class Need(IntEnum):
    """Whether a value has to be given; of lists, maps and unions, messages do not tell."""

    YES = 0
    UNKNOWN = 1
    NO = 2


@dataclass(frozen=True)
class Input:
    name: str
    build: Callable[[], Any]
    read: Callable[[Any], Any]
    """The fields that the request gets from the value, or for a stream the fields of each; raises `InputError`."""
    need: Need

    @property
    def parameter(self) -> str:
        """Its name for programs."""
        return f"{self.name}_" if iskeyword(self.name) or self.name == _TAKEN else self.name


def title(name: str, words: str, need: Need) -> str:
    return f"{name}: {words}{', optional' * (need is Need.NO)}"
