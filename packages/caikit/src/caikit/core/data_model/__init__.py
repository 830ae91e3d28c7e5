"""Data objects: typed Python classes that travel as protobuf and as JSON."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from . import enums, json_dict, protobufs, timestamp
from ._annotations import FieldNumber, OneofField
from .base import DataBase
from .dataobject import CAIKIT_DATA_MODEL, DataObjectBase, dataobject, render_dataobject_protos
from .enums import import_enum, import_enums
from .job import JobStatus
from .package import PACKAGE_COMMON
from .prediction_status import PredictionJobStatus
from .producer import ProducerId
from .training_status import TrainingStatus

if TYPE_CHECKING:
    from .streams import data_stream as data_stream
    from .streams.data_stream import DataStream as DataStream

__all__ = [
    "CAIKIT_DATA_MODEL",
    "PACKAGE_COMMON",
    "DataBase",
    "DataObjectBase",
    "DataStream",
    "FieldNumber",
    "JobStatus",
    "OneofField",
    "PredictionJobStatus",
    "ProducerId",
    "TrainingStatus",
    "data_stream",
    "dataobject",
    "enums",
    "import_enum",
    "import_enums",
    "json_dict",
    "protobufs",
    "render_dataobject_protos",
    "timestamp",
]


def __getattr__(name: str) -> Any:
    if name not in ("DataStream", "data_stream"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .streams import data_stream

    value = data_stream if name == "data_stream" else data_stream.DataStream
    setattr(sys.modules[__name__], name, value)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
