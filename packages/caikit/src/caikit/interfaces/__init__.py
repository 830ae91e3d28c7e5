"""Data objects and tasks per domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy_attributes

if TYPE_CHECKING:
    from . import common as common
    from . import nlp as nlp
    from . import runtime as runtime
    from . import ts as ts
    from . import vision as vision

__getattr__, __dir__ = lazy_attributes(__name__, {}, submodules=["common", "nlp", "runtime", "ts", "vision"])
