"""Sources that data objects take their fields from when they are read."""

from .base import DataModelBackendBase
from .dict_backend import DictBackend

__all__ = ["DataModelBackendBase", "DictBackend"]
