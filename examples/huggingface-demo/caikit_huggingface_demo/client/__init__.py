"""The page: a form for each task that the backend serves."""

from .app import Page
from .backend import Backend

__all__ = ["Backend", "Page"]
