"""Data objects that all domains share."""

from __future__ import annotations

from . import file, primitive_sequences, producer, remote, stream_sources, vectors
from .file import File
from .primitive_sequences import BoolSequence, FloatSequence, IntSequence, Sequence, StrSequence
from .producer import ProducerId
from .remote import ConnectionInfo, ConnectionTlsInfo
from .stream_sources import FileReference, ListOfFileReferences
from .vectors import (
    ListOfVector1D,
    NpFloat32Sequence,
    NpFloat64Sequence,
    PyFloatSequence,
    Vector1D,
)

__all__ = [
    "BoolSequence",
    "ConnectionInfo",
    "ConnectionTlsInfo",
    "File",
    "FileReference",
    "FloatSequence",
    "IntSequence",
    "ListOfFileReferences",
    "ListOfVector1D",
    "NpFloat32Sequence",
    "NpFloat64Sequence",
    "ProducerId",
    "PyFloatSequence",
    "Sequence",
    "StrSequence",
    "Vector1D",
    "file",
    "primitive_sequences",
    "producer",
    "remote",
    "stream_sources",
    "vectors",
]
