"""Module backends: where models run."""

from . import backend_types
from .base import BackendBase
from .local_backend import LocalBackend

__all__ = ["BackendBase", "LocalBackend", "backend_types"]
