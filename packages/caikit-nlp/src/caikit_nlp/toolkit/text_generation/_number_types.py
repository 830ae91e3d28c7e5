"""The type of a number that fills all 64 bits, for annotations that messages are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import uint64
else:
    try:
        from numpy import uint64
    except ImportError:
        # On the wire these are the same up to half of the range, and the numbers of the fields stay.
        uint64 = int

__all__ = ["uint64"]
