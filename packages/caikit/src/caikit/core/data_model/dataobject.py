"""Data objects: classes with annotations that travel as protobuf and JSON."""

from ._dataobject import (
    DataObjectBase,
    dataobject,
    get_generated_proto_classes,
    make_dataobject,
    render_dataobject_protos,
)
from .package import CAIKIT_DATA_MODEL

__all__ = [
    "CAIKIT_DATA_MODEL",
    "DataObjectBase",
    "dataobject",
    "get_generated_proto_classes",
    "make_dataobject",
    "render_dataobject_protos",
]
