"""Who produced a result."""

from __future__ import annotations

from typing import Annotated

from caikit.core.data_model import PACKAGE_COMMON, DataObjectBase, FieldNumber, ProducerId, dataobject


@dataobject(PACKAGE_COMMON)
class ProducerPriority(DataObjectBase):
    """Producers, the preferred one first."""

    producers: Annotated[list[ProducerId], FieldNumber(1)]


__all__ = ["ProducerId", "ProducerPriority"]
