"""The closed set of nodes that a data object's annotations are compiled into, once per class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from ._state import state_of


@dataclass(frozen=True, slots=True)
class Scalar:
    """A protobuf scalar: double, float, int64, uint64, int32, uint32, bool, string or bytes."""

    kind: str


@dataclass(frozen=True, slots=True)
class EnumType:
    """An enumeration; `nested` is set when the plain Enum class is declared inside the owning message."""

    cls: type[Enum]
    placeholder: str | None = None
    nested: str | None = None

    def names(self) -> dict[int, str]:
        """Number to name as on the wire; of several names for one number the first."""
        numbers = {0: self.placeholder} if self.placeholder is not None else {}
        return {**numbers, **{member.value: member.name for member in self.cls}}

    def numbers(self) -> dict[str, int]:
        """Name (aliases too) to number as on the wire."""
        names = {self.placeholder: 0} if self.placeholder is not None else {}
        return {**names, **{name: member.value for name, member in self.cls.__members__.items()}}


@dataclass(frozen=True, slots=True)
class MessageType:
    """Another data object; `nested` is set when its message is declared inside the owning message."""

    cls: type[Any]
    nested: str | None = None


@dataclass(frozen=True, slots=True)
class TimestampType:
    """google.protobuf.Timestamp, in Python a datetime."""


@dataclass(frozen=True, slots=True)
class StructType:
    """google.protobuf.Struct, in Python a JsonDict."""


@dataclass(frozen=True, slots=True)
class AnyType:
    """google.protobuf.Any, in Python any data object."""


Single: TypeAlias = Scalar | EnumType | MessageType | TimestampType | StructType | AnyType


@dataclass(frozen=True, slots=True)
class Repeated:
    """A list."""

    item: Single


@dataclass(frozen=True, slots=True)
class MapOf:
    """A dictionary with scalar keys."""

    key: Scalar
    value: Single


@dataclass(frozen=True, slots=True)
class Member:
    """One choice of a union; `wrapper` names the nested message that holds a Repeated on the wire."""

    name: str
    number: int
    type: Single | Repeated
    wrapper: str | None = None


@dataclass(frozen=True, slots=True)
class UnionOf:
    """A oneof; one Python attribute with the value, one per member."""

    members: tuple[Member, ...]


Node: TypeAlias = Single | Repeated | MapOf | UnionOf


class _Missing(Enum):
    MISSING = "MISSING"


MISSING = _Missing.MISSING
"""Says that a field has no default of its own."""


@dataclass(frozen=True, slots=True)
class Field:
    """One attribute of a data object; `number` is None for a union, whose members have their own."""

    name: str
    number: int | None
    type: Node
    presence: bool = False
    default: Any = MISSING
    default_factory: Callable[[], Any] | None = None

    @property
    def has_default(self) -> bool:
        return self.default is not MISSING or self.default_factory is not None


@dataclass(frozen=True, slots=True)
class MessageSchema:
    """Everything known about the message of a data object."""

    full_name: str
    package: str
    name: str
    fields: tuple[Field, ...]
    doc: str | None = None

    def wire_names(self) -> tuple[str, ...]:
        """Names of the protobuf fields: union members instead of union names."""
        names: list[str] = []
        for field in self.fields:
            if isinstance(field.type, UnionOf):
                names.extend(member.name for member in field.type.members)
            else:
                names.append(field.name)
        return tuple(names)


def schema_of(cls: type[Any]) -> MessageSchema:
    """The schema of a data object class; compiles what a forward reference has left open."""
    return state_of(cls).require_schema(cls)
