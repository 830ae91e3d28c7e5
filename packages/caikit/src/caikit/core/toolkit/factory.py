"""Factories that build configured, pluggable objects."""

from __future__ import annotations

from ._factory import Factory, FactoryConstructible, ImportableFactory

__all__ = ["Factory", "FactoryConstructible", "ImportableFactory"]
