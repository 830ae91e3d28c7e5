"""Name of the protobuf package."""

from __future__ import annotations

from caikit.core.data_model import CAIKIT_DATA_MODEL

VISION_LIBRARY_PACKAGE = f"{CAIKIT_DATA_MODEL}.caikit_computer_vision"

__all__ = ["VISION_LIBRARY_PACKAGE"]
