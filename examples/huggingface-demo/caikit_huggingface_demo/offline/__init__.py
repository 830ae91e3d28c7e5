"""Models that are made on the spot, for machines without a model hub."""

from ._build import build_models

__all__ = ["build_models"]
