"""Name of the protobuf package."""

from __future__ import annotations

from caikit.core.data_model import CAIKIT_DATA_MODEL

VISION_PACKAGE = f"{CAIKIT_DATA_MODEL}.vision"

__all__ = ["VISION_PACKAGE"]
