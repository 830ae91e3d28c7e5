"""Data objects and tasks for language."""

from __future__ import annotations

from . import data_model, tasks

__all__ = ["data_model", "tasks"]
