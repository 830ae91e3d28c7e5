"""A substitution of characters that keeps names apart; job ids are made with it."""

from __future__ import annotations

import string

__all__ = ["BACKWARD_MAP", "FORWARD_MAP", "ReversibleHasher"]

_PLAIN = string.ascii_letters + string.digits + "-_"
_HASHED = "xzhwTHt7UjOsQFqvKPDulYNWdEy3e52Xka8CSA0mJ1MG6nZ-cBLfI4Rg9i_prVbo"

FORWARD_MAP = dict(zip(_PLAIN, _HASHED, strict=True))
BACKWARD_MAP = dict(zip(_HASHED, _PLAIN, strict=True))

_FORWARD_TABLE = str.maketrans(FORWARD_MAP)
_BACKWARD_TABLE = str.maketrans(BACKWARD_MAP)


class ReversibleHasher:
    """Substitutes letters, digits, `-` and `_`; other characters stay."""

    @classmethod
    def hash(cls, val: str) -> str:
        return val.translate(_FORWARD_TABLE)

    @classmethod
    def reverse_hash(cls, hashed_val: str) -> str:
        return hashed_val.translate(_BACKWARD_TABLE)
