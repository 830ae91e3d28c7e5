"""Numbers in JSON: what is not finite travels as text, which every JSON parser reads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caikit.core.data_model import DataObjectBase

    _Base = DataObjectBase
else:
    _Base = object


def json_number(value: Any) -> Any:
    """Floats that are not finite as "NaN", "Infinity" or "-Infinity"; everything else as it is."""
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def json_numbers(values: Any) -> Any:
    """A list of numbers, or an array, as JSON has it."""
    if values is None:
        return None
    numbers = values.tolist() if hasattr(values, "tolist") else list(values)
    # The sum is not finite if any of them is not.
    try:
        finite = math.isfinite(sum(numbers))
    except (OverflowError, TypeError):
        finite = False
    return numbers if finite else [json_number(number) for number in numbers]


def floats_from_json(values: Any) -> Any:
    """The array of a list in parsed JSON; None if there is anything but numbers and their texts in it."""
    import numpy as np

    if values.__class__ is not list or not set(map(type, values)) <= {int, float, str}:
        return None
    try:
        return np.array(values, "float64")
    except (ValueError, OverflowError):
        return None


def integers_from_json(values: Any) -> Any:
    """The array of a list in parsed JSON; None if there is anything but integers of 64 bits in it."""
    import numpy as np

    if values.__class__ is not list or set(map(type, values)) - {int}:
        return None
    try:
        return np.array(values, "int64")
    except OverflowError:
        return None


class NonFiniteAsText(_Base):
    """For data objects with a float: `NaN` and its like are quoted in JSON and read again."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        return {name: json_number(value) for name, value in super().to_dict().items()}

    @classmethod
    def from_json(cls, json_str: str | dict[str, Any], ignore_unknown_fields: bool = False) -> Any:
        # As it stands in protobuf's JSON, also where requests take finite numbers only.
        return super().from_json(json_str, ignore_unknown_fields)


__all__ = ["NonFiniteAsText", "floats_from_json", "integers_from_json", "json_number", "json_numbers"]
