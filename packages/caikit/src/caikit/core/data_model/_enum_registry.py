"""Enums by their short names, as `caikit.core.data_model.enums` shows them."""

from __future__ import annotations

from enum import Enum
from typing import Any

from ._munch import Munch


def publish_enum(name: str, cls: type[Enum], names: dict[int, str]) -> Munch:
    """Make `<name>` and `<name>Rev` attributes of the enums module; the newest definition is seen."""
    from . import enums

    reverse = Munch(names)
    module: Any = enums
    setattr(module, name, cls)
    setattr(module, f"{name}Rev", reverse)
    return reverse
