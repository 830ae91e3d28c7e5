"""Columns of values."""

from __future__ import annotations

from typing import Annotated, Any

from caikit.core.data_model import DataObjectBase, FieldNumber, OneofField, dataobject

from ._arrays import FloatList, NumberList
from ._cells import cell_text, cell_value
from .package import TS_PACKAGE


@dataobject(TS_PACKAGE)
class Vector(FloatList, DataObjectBase):
    """Several numbers that belong to one point in time."""

    _list_name = "data"

    data: Annotated[list[float], FieldNumber(1)]


@dataobject(TS_PACKAGE)
class ValueSequence(DataObjectBase):
    """One column of a time series."""

    @dataobject(TS_PACKAGE)
    class IntValueSequence(NumberList, DataObjectBase):
        """Integers of 64 bits."""

        values: Annotated[list[int], FieldNumber(1)]

    @dataobject(TS_PACKAGE)
    class FloatValueSequence(FloatList, DataObjectBase):
        """Floats of double precision, NaN for what is missing."""

        values: Annotated[list[float], FieldNumber(1)]

    @dataobject(TS_PACKAGE)
    class StrValueSequence(DataObjectBase):
        """Texts."""

        values: Annotated[list[str], FieldNumber(1)]

    @dataobject(TS_PACKAGE)
    class VectorValueSequence(DataObjectBase):
        """Vectors, which may differ in length."""

        values: Annotated[list[Vector], FieldNumber(1)]

    @dataobject(TS_PACKAGE)
    class TimePointSequence(DataObjectBase):
        """Points in time as ISO 8601 text."""

        values: Annotated[list[str], FieldNumber(1)]

    @dataobject(TS_PACKAGE)
    class AnyValueSequence(DataObjectBase):
        """Whatever JSON can say. `values` are Python objects; messages and JSON hold the JSON text of each."""

        values: Annotated[list[str], FieldNumber(1)]

        def fill_proto(self, proto: Any) -> Any:
            proto.values.extend(self._texts() or ())
            return proto

        @classmethod
        def from_proto(cls, proto: Any) -> Any:
            return cls([cell_value(text) for text in proto.values])

        def to_dict(self) -> dict[str, Any]:
            return {"values": self._texts()}

        @classmethod
        def from_json(cls, json_str: str | dict[str, Any], ignore_unknown_fields: bool = False) -> Any:
            # Requests, too, are read through the message, where texts become objects.
            return super().from_json(json_str, ignore_unknown_fields)

        def _texts(self) -> list[str] | None:
            return None if self.values is None else [cell_text(cell) for cell in self.values]

    sequence: (
        Annotated[IntValueSequence, OneofField("val_int"), FieldNumber(1)]
        | Annotated[FloatValueSequence, OneofField("val_float"), FieldNumber(2)]
        | Annotated[StrValueSequence, OneofField("val_str"), FieldNumber(3)]
        | Annotated[TimePointSequence, OneofField("val_timepoint"), FieldNumber(4)]
        | Annotated[AnyValueSequence, OneofField("val_any"), FieldNumber(5)]
        | Annotated[VectorValueSequence, OneofField("val_vector"), FieldNumber(6)]
    )


__all__ = ["ValueSequence", "Vector"]
