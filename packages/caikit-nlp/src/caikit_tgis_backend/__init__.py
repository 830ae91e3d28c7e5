"""Text generation servers as a backend: models that run there instead of in this process.

Importing the package makes the backend type TGIS known; what talks to servers is imported when a model needs it.
"""

from __future__ import annotations

from .tgis_backend import TGISBackend

__all__ = ["TGISBackend"]
