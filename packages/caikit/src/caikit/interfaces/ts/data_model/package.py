"""Name of the protobuf package."""

from __future__ import annotations

from caikit.core.data_model import CAIKIT_DATA_MODEL

TS_PACKAGE = f"{CAIKIT_DATA_MODEL}.timeseries"

__all__ = ["TS_PACKAGE"]
