"""Types of parameters, as a server describes them over any protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

_DATA_STREAM_SOURCE = "DataStreamSource"
_FILE = "caikit_data_model.common.File"
_SEQUENCES = tuple(f"caikit_data_model.common.{kind}Sequence" for kind in ("Str", "Int", "Float", "Bool"))
_MODEL_POINTER = "caikit_data_model.runtime.ModelPointer"
# The zero that enums get which have none of their own; the second of a package has its name in front.
_UNSET = "PLACEHOLDER_UNSET"


@dataclass(frozen=True)
class Scalar:
    """`kind`: int, float, bool, str, bytes, time (an ISO 8601 text), object (any JSON object), any, file."""

    kind: str

    def __str__(self) -> str:
        return self.kind


@dataclass(frozen=True)
class Enum:
    name: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return last_part(self.name)


class Message:
    """Its fields are found when they are asked for: messages may contain themselves."""

    def __init__(self, name: str, find_fields: Callable[[], Sequence[Field]]) -> None:
        self.name = name
        self._find_fields = find_fields

    @cached_property
    def fields(self) -> dict[str, Field]:
        return {field.name: field for field in self._find_fields()}

    @property
    def is_file(self) -> bool:
        return self.name == _FILE

    @property
    def is_model(self) -> bool:
        return self.name == _MODEL_POINTER

    @property
    def is_stream_source(self) -> bool:
        """Whether it says where the items of a data stream come from."""
        return last_part(self.name).startswith(_DATA_STREAM_SOURCE) and not self.name.endswith("JsonData")

    def __str__(self) -> str:
        """Messages that stand for something else are called by that."""
        if self.is_stream_source:
            return f"stream[{item_of(self) or 'any'}]"
        if self.is_model:
            return "model"
        return str(list_in(self)) if self.name.startswith(_SEQUENCES) else last_part(self.name)


@dataclass(frozen=True)
class ListOf:
    item: Type

    def __str__(self) -> str:
        return f"list[{self.item}]"


@dataclass(frozen=True)
class MapOf:
    value: Type

    def __str__(self) -> str:
        return f"dict[str, {self.value}]"


@dataclass(frozen=True)
class Union:
    """One of several; the members have names of their own where the protocol needs them."""

    members: tuple[Field, ...]

    def __str__(self) -> str:
        return " | ".join(str(member.type) for member in self.members)


Type: TypeAlias = "Scalar | Enum | Message | ListOf | MapOf | Union"


@dataclass(frozen=True)
class Field:
    name: str
    type: Type
    required: bool = False


def last_part(name: str) -> str:
    return name.rpartition(".")[2]


def enum_type(name: str, values: Iterable[str]) -> Enum:
    """An enum with the values that somebody may give."""
    return Enum(name, tuple(value for value in values if not stands_for_unset(value)))


def stands_for_unset(value: str) -> bool:
    return value == _UNSET or value.endswith(f"_{_UNSET}")


def list_in(type_: Type) -> ListOf | None:
    """The list that a type is, or that a message stands for which holds nothing else."""
    if isinstance(type_, Message) and list(type_.fields) == ["values"]:
        type_ = type_.fields["values"].type
    return type_ if isinstance(type_, ListOf) else None


def messages_in(types: Iterable[Type]) -> Iterator[Message]:
    """The messages of which these types consist, outer ones first; without those that stand for something else."""
    seen: set[str] = set()
    waiting = list(types)
    while waiting:
        type_ = waiting.pop(0)
        match type_:
            case ListOf():
                waiting.append(type_.item)
            case MapOf():
                waiting.append(type_.value)
            case Union():
                waiting += [member.type for member in type_.members]
            case Message() if type_.is_stream_source:
                waiting += [item for item in (item_of(type_),) if item is not None]
            case Message() if type_.name not in seen and str(type_) == last_part(type_.name):
                seen.add(type_.name)
                yield type_
                waiting += [field.type for field in type_.fields.values()]


def item_of(source: Message) -> Type | None:
    """The type of the items of a stream source."""
    for name in ("jsondata", "data_stream"):
        field = source.fields.get(name)
        members = field.type.members if field and isinstance(field.type, Union) else (field,) if field else ()
        for member in members:
            data = member.type.fields.get("data") if isinstance(member.type, Message) else None
            if data and isinstance(data.type, ListOf):
                return data.type.item
    return None
