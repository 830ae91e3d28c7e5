"""The interface of backends."""

from __future__ import annotations

import abc
from typing import Any

__all__ = ["DataModelBackendBase"]


class DataModelBackendBase(abc.ABC):
    """Gives a data object its fields one by one."""

    @abc.abstractmethod
    def get_attribute(self, data_model_class: type[Any], name: str) -> Any:
        """The value of a field, for a union also as a OneofFieldVal."""

    def cache_attribute(self, name: str, value: Any) -> bool:
        """Whether the object keeps this value."""
        return True
