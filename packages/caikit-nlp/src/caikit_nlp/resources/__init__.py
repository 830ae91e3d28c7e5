"""Parts that modules are made of."""

from __future__ import annotations

from . import pretrained_model

__all__ = ["pretrained_model"]
