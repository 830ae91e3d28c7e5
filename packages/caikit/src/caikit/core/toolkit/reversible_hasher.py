"""A substitution of characters that keeps names apart; job ids are made with it."""

from __future__ import annotations

import string

__all__ = ["BACKWARD_MAP", "FORWARD_MAP", "ReversibleHasher"]

_PLAIN = string.ascii_letters + string.digits + "-_"
_HASHED = "xzhwTHt7UjOsQFqvKPDulYNWdEy3e52Xka8CSA0mJ1MG6nZ-cBLfI4Rg9i_prVbo"

FORWARD_MAP = dict(zip(_PLAIN, _HASHED, strict=True))
"""What each character becomes."""
BACKWARD_MAP = dict(zip(_HASHED, _PLAIN, strict=True))
"""What each character of a hash was."""

_FORWARD_TABLE = str.maketrans(FORWARD_MAP)
_BACKWARD_TABLE = str.maketrans(BACKWARD_MAP)


class ReversibleHasher:
    """Substitutes letters, digits, `-` and `_` by each other; other characters stay.

    The same in every process and release, and no secret: it only makes names look unlike names.
    """

    @classmethod
    def hash(cls, val: str) -> str:
        """The text with every character substituted, as long as before."""
        return val.translate(_FORWARD_TABLE)

    @classmethod
    def reverse_hash(cls, hashed_val: str) -> str:
        """The text that `hash` was given; every text is the hash of some other."""
        return hashed_val.translate(_BACKWARD_TABLE)
