"""Who produced a result."""

from __future__ import annotations

from ._dataobject import DataObjectBase, dataobject
from .package import PACKAGE_COMMON

__all__ = ["PACKAGE_COMMON", "ProducerId"]


@dataobject(PACKAGE_COMMON)
class ProducerId(DataObjectBase):
    """Name and version of a producer."""

    name: str
    version: str

    def __add__(self, other: ProducerId) -> ProducerId:
        return ProducerId(f"{self.name} & {other.name}", "0.0.0")
