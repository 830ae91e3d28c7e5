"""The page: a form for each task that the backend serves."""

from .app import Page
from .backend import Backend
from .snapshot import State
from .tabs import tabs_of

__all__ = ["Backend", "Page", "State", "tabs_of"]
