"""Lists of primitives as messages, for unions of lists."""

from __future__ import annotations

from typing import Annotated

from caikit.core.data_model import PACKAGE_COMMON, DataObjectBase, FieldNumber, dataobject


class Sequence:
    """Marks the classes that stand for their list of `values`: as a member of a union they are that list."""

    __slots__ = ()
    _unwraps_list = True


@dataobject(PACKAGE_COMMON)
class IntSequence(Sequence, DataObjectBase):
    """Integers of 64 bits."""

    values: Annotated[list[int], FieldNumber(1)]


@dataobject(PACKAGE_COMMON)
class FloatSequence(Sequence, DataObjectBase):
    """Floats of double precision."""

    values: Annotated[list[float], FieldNumber(1)]


@dataobject(PACKAGE_COMMON)
class StrSequence(Sequence, DataObjectBase):
    """Texts."""

    values: Annotated[list[str], FieldNumber(1)]


@dataobject(PACKAGE_COMMON)
class BoolSequence(Sequence, DataObjectBase):
    """Truth values."""

    values: Annotated[list[bool], FieldNumber(1)]


__all__ = ["BoolSequence", "FloatSequence", "IntSequence", "Sequence", "StrSequence"]
