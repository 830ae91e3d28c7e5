"""Which enum classes can be protobuf enums."""

from __future__ import annotations

from enum import Enum

_LARGEST = 2**31 - 1


def check_enum_values(cls: type[Enum]) -> None:
    """A ValueError for values that are no numbers of 32 bits."""
    for name, member in cls.__members__.items():
        value = member.value
        if not isinstance(value, int) or isinstance(value, bool) or not -_LARGEST - 1 <= value <= _LARGEST:
            raise ValueError(
                f"enum {cls.__name__}: the values of a data object enum must be int of 32 bits, got {name} = {value!r}"
            )
