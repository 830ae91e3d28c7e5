"""Names of the protobuf packages."""

from __future__ import annotations

from caikit.core.data_model import CAIKIT_DATA_MODEL, PACKAGE_COMMON

RUNTIME_PACKAGE = f"{CAIKIT_DATA_MODEL}.runtime"
INFO_PACKAGE = f"{PACKAGE_COMMON}.runtime"

__all__ = ["INFO_PACKAGE", "RUNTIME_PACKAGE"]
