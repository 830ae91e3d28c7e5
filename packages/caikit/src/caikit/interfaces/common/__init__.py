"""Data objects that all domains share."""

from __future__ import annotations

from . import data_model

__all__ = ["data_model"]
