"""How models of servers are found."""

from __future__ import annotations

from caikit.core.model_management import model_finder_factory

from .tgis_auto_finder import TGISAutoFinder

__all__ = ["TGISAutoFinder"]

model_finder_factory.register(TGISAutoFinder)
