"""NumPy's number types as annotations, without loading NumPy.

The data model goes by the name of such a type and by the module that it says to come from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import float32, float64, uint32, uint64
else:

    def _named(name: str, kind: type) -> type:
        return type(name, (kind,), {"__module__": "numpy"})

    float32 = _named("float32", float)
    float64 = _named("float64", float)
    uint32 = _named("uint32", int)
    uint64 = _named("uint64", int)

__all__ = ["float32", "float64", "uint32", "uint64"]
