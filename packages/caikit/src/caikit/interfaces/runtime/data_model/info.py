"""What a server says about itself and its models."""

from __future__ import annotations

from typing import Annotated

from caikit.core.data_model import DataObjectBase, FieldNumber, dataobject
from caikit.core.data_model.json_dict import JsonDict

from .package import INFO_PACKAGE


@dataobject(INFO_PACKAGE)
class RuntimeInfoRequest(DataObjectBase):
    """Asks for the versions of a server; has no fields."""


@dataobject(INFO_PACKAGE)
class RuntimeInfoResponse(DataObjectBase):
    """Versions of the server and of the packages it runs with, by their names."""

    runtime_version: Annotated[str | None, FieldNumber(1)]
    python_packages: Annotated[dict[str, str], FieldNumber(2)]


@dataobject(INFO_PACKAGE)
class ModelInfoRequest(DataObjectBase):
    """Which models to describe; none named means all."""

    model_ids: Annotated[list[str] | None, FieldNumber(1)]


@dataobject(INFO_PACKAGE)
class ModelInfo(DataObjectBase):
    """A model and the module that runs it; `size` is an estimate of its bytes in memory, 0 or None: not known."""

    model_path: Annotated[str | None, FieldNumber(1)]
    name: Annotated[str, FieldNumber(2)]
    size: Annotated[int | None, FieldNumber(3)]
    metadata: Annotated[JsonDict | None, FieldNumber(4)]
    loaded: Annotated[bool, FieldNumber(7)]
    module_id: Annotated[str | None, FieldNumber(5)]
    module_metadata: Annotated[dict[str, str] | None, FieldNumber(6)]


@dataobject(INFO_PACKAGE)
class ModelInfoResponse(DataObjectBase):
    """Descriptions of models."""

    models: Annotated[list[ModelInfo], FieldNumber(1)]


__all__ = [
    "ModelInfo",
    "ModelInfoRequest",
    "ModelInfoResponse",
    "RuntimeInfoRequest",
    "RuntimeInfoResponse",
]
