"""Deploying models over the network."""

from __future__ import annotations

from typing import Annotated

from caikit.core.data_model import DataObjectBase, FieldNumber, dataobject

from ...common.data_model.file import File
from .package import RUNTIME_PACKAGE


@dataobject(RUNTIME_PACKAGE)
class DeployModelRequest(DataObjectBase):
    """A new model with the files of its folder; their names are relative paths in it."""

    model_id: Annotated[str, FieldNumber(1)]
    model_files: Annotated[list[File], FieldNumber(2)]


@dataobject(RUNTIME_PACKAGE)
class UndeployModelRequest(DataObjectBase):
    """The model to remove."""

    model_id: Annotated[str, FieldNumber(1)]


__all__ = ["DeployModelRequest", "UndeployModelRequest"]
