"""Data objects of the server's own services."""

from __future__ import annotations

from . import data_model

__all__ = ["data_model"]
