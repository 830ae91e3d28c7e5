"""Vectors of numbers; arrays keep their memory and travel as one block."""

from __future__ import annotations

import sys
from dataclasses import field
from typing import Annotated, Any

import alog

from caikit.core.data_model import PACKAGE_COMMON, DataObjectBase, FieldNumber, dataobject
from caikit.core.exceptions import error_handler

from ..._number_types import float32, float64
from ._arrays import array_from, array_of

log = alog.use_channel("VECTORS")
error = error_handler.get(log)


@dataobject(PACKAGE_COMMON)
class PyFloatSequence(DataObjectBase):
    """Floats of double precision in a list; what vectors are that come from JSON."""

    values: Annotated[list[float], FieldNumber(1)] = field(default_factory=list)


@dataobject(PACKAGE_COMMON)
class NpFloat32Sequence(DataObjectBase):
    """A one-dimensional array of float32; any sequence of numbers is taken, messages give an array."""

    values: Annotated[list[float32], FieldNumber(1)]

    @classmethod
    def from_proto(cls, proto: Any) -> NpFloat32Sequence:
        return cls(array_of(proto, "float32"))

    @classmethod
    def _from_json_fields(cls, values: Any = ()) -> NpFloat32Sequence:
        return cls(array_from(values, "float32"))


@dataobject(PACKAGE_COMMON)
class NpFloat64Sequence(DataObjectBase):
    """A one-dimensional array of float64; any sequence of numbers is taken, messages give an array."""

    values: Annotated[list[float64], FieldNumber(1)]

    @classmethod
    def from_proto(cls, proto: Any) -> NpFloat64Sequence:
        return cls(array_of(proto, "float64"))

    @classmethod
    def _from_json_fields(cls, values: Any = ()) -> NpFloat64Sequence:
        return cls(array_from(values, "float64"))


@dataobject(PACKAGE_COMMON)
class Vector1D(DataObjectBase):
    """A vector, as embeddings are; make it with `from_vector`.

    The type of its elements decides how it travels: float32, float64 or Python floats. JSON shows no difference,
    `{"data": {"values": [0.5, 1.0]}}`, and read from JSON it holds Python floats. An empty vector sets no member.

    Raises:
        ValueError: `data` has no `values`.
    """

    data: (
        Annotated[PyFloatSequence, FieldNumber(1)]
        | Annotated[NpFloat32Sequence, FieldNumber(2)]
        | Annotated[NpFloat64Sequence, FieldNumber(3)]
    )

    def __post_init__(self) -> None:
        if not hasattr(self.data, "values"):
            found = type(self.data).__name__
            error("<NLP92989048E>", ValueError(f"expected an object with values for a vector, got {found}"))

    @classmethod
    def from_vector(cls, vector: Any) -> Vector1D:
        """A vector over an array of float32 or float64, which is not copied, or over any other numbers, as floats."""
        np = sys.modules.get("numpy")
        if np is not None and isinstance(vector, np.ndarray):
            if vector.dtype == np.float32:
                return cls(NpFloat32Sequence(vector))
            if vector.dtype == np.float64:
                return cls(NpFloat64Sequence(vector))
            vector = vector.tolist()
        if any(isinstance(first, int) for first in vector[:1]):
            vector = [float(value) for value in vector]
        return cls(PyFloatSequence(vector))

    @classmethod
    def from_proto(cls, proto: Any) -> Vector1D:
        member = proto.WhichOneof("data")
        if member is None:
            return cls(PyFloatSequence())
        return cls(_SEQUENCES[member].from_proto(getattr(proto, member)))

    @classmethod
    def _from_json_fields(cls, **member: Any) -> Vector1D:
        return cls(*member.values() or [PyFloatSequence()])

    def fill_proto(self, proto: Any) -> Any:
        values = self.data.values
        if values is not None and len(values):
            member = _member_for(values[0])
            sequence = getattr(proto, member)
            _SEQUENCES[member](values).fill_proto(sequence)
        return proto

    def to_dict(self) -> dict[str, Any]:
        return {"data": {"values": _plain(self.data.values)}}

    def to_json(self, **kwargs: Any) -> str:
        if kwargs:
            return super().to_json(**kwargs)
        values = self.data.values
        plain = PyFloatSequence(values if hasattr(values, "tolist") else _plain(values))
        return f'{{"data": {plain.to_json()}}}'


@dataobject(PACKAGE_COMMON)
class ListOfVector1D(DataObjectBase):
    """Vectors in order, for instance one for each text of a request.

    Raises:
        TypeError: `vectors` is no list of Vector1D.
    """

    vectors: Annotated[list[Vector1D], FieldNumber(1)]

    def __post_init__(self) -> None:
        error.type_check("<NLP79587221E>", list, vectors=self.vectors)
        error.type_check_all("<NLP79587222E>", Vector1D, vectors=self.vectors)


_SEQUENCES: dict[str, Any] = {
    "data_pyfloatsequence": PyFloatSequence,
    "data_npfloat32sequence": NpFloat32Sequence,
    "data_npfloat64sequence": NpFloat64Sequence,
}


def _member_for(first: Any) -> str:
    """The union member for the type of the first element."""
    np = sys.modules.get("numpy")
    if np is not None and isinstance(first, np.float32):
        return "data_npfloat32sequence"
    if np is not None and isinstance(first, np.float64):
        return "data_npfloat64sequence"
    if not isinstance(first, (int, float)) and (np is None or not isinstance(first, np.integer)):
        error("<NLP79587223E>", TypeError(f"expected numbers in a vector, got {type(first).__name__}"))
    return "data_pyfloatsequence"


def _plain(values: Any) -> list[Any] | None:
    """The numbers as JSON knows them."""
    if values is None or (isinstance(values, list) and type(next(iter(values), 0.0)) in (int, float)):
        return values
    return [*values.tolist()] if hasattr(values, "tolist") else [float(value) for value in values]


__all__ = [
    "ListOfVector1D",
    "NpFloat32Sequence",
    "NpFloat64Sequence",
    "PyFloatSequence",
    "Vector1D",
]
