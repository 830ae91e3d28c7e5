"""Modules that make images from texts."""

from __future__ import annotations

from .tti_stub import TTIStub

__all__ = ["TTIStub"]
