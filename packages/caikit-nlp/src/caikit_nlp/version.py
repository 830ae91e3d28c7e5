"""The version of the package."""

from __future__ import annotations

__all__ = ["__version__", "__version_tuple__"]

__version__ = "0.6.0"
__version_tuple__ = (0, 6, 0)
