"""From the annotations of a class to its fields."""

from __future__ import annotations

import dataclasses
import datetime
import sys
import types
import typing
from collections import ChainMap
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Annotated, Any, Literal, Union, cast

from google.protobuf.message import Message

from . import _registry
from ._annotations import FieldNumber, OneofField, UnresolvedNameError, metadata_of_kind, resolve_text
from ._enum_values import check_enum_values
from ._field_names import check_field_name, check_member_name
from ._json_dict import is_json_dict
from ._names import map_value_name, wrapper_name
from ._schema import (
    MISSING,
    AnyType,
    EnumType,
    Field,
    MapOf,
    Member,
    MessageType,
    Repeated,
    Scalar,
    Single,
    StructType,
    TimestampType,
    UnionOf,
    schema_of,
)
from ._state import own_state, state_of
from ._unsupported import unsupported

PLACEHOLDER = "PLACEHOLDER_UNSET"

_SCALARS = {
    str: Scalar("string"),
    int: Scalar("int64"),
    float: Scalar("double"),
    bool: Scalar("bool"),
    bytes: Scalar("bytes"),
}
_NUMPY_SCALARS = {
    "int32": Scalar("int32"),
    "int64": Scalar("int64"),
    "uint32": Scalar("uint32"),
    "uint64": Scalar("uint64"),
    "float32": Scalar("float"),
    "float64": Scalar("double"),
}
_UNIONS = (Union, types.UnionType)
_MOST_REFERENCES = 100
_KEY_KINDS = ("string", "int64", "int32", "uint64", "uint32", "bool")
WELL_KNOWN: dict[str, Single] = {
    "google.protobuf.Struct": StructType(),
    "google.protobuf.Timestamp": TimestampType(),
    "google.protobuf.Any": AnyType(),
}


class FieldParser:
    """Reads the annotations of one class.

    `make_nested(name, annotations, defaults, names)` makes a nested data object, whose annotations may use these names.
    """

    def __init__(self, cls: type[Any], make_nested: Callable[..., Any]):
        self._cls = cls
        self._make_nested = make_nested
        self._scopes: dict[type[Any], Mapping[str, Any]] = {}
        self._names: Mapping[str, Any] = {}
        self._field = ""
        self._count = 0
        self._nested: dict[Any, Any] = {}
        self._enums: dict[type[Enum], EnumType] = {}

    def parse(self) -> tuple[Field, ...]:
        fields = []
        for name, (owner, annotation) in self._all_annotations().items():
            self._field = name
            if owner not in self._scopes:
                self._scopes[owner] = self._names_in(owner)
            self._names = self._scopes[owner]
            field = self._parse_here(name, annotation)
            if field is None:
                continue
            fields.append(field)
            self._count += len(field.type.members) if isinstance(field.type, UnionOf) else 1
        return tuple(fields)

    def _parse_here(self, name: str, annotation: Any) -> Field | None:
        """The field, None if the annotation is none; every error says where."""
        place = f"(field {self._cls.__name__}.{name})"
        try:
            if name not in state_of(self._cls).fields:
                self._check_pseudo_field(annotation)
                return None
            check_field_name(name, self._cls)
            return self._parse_field(name, annotation)
        except UnresolvedNameError as error:
            raise UnresolvedNameError(f"{error} {place}", name=error.name) from error
        except (ValueError, TypeError) as error:
            raise type(error)(f"{error} {place}") from error
        except RecursionError:
            raise ValueError(
                f"Got unsupported entry type {annotation!r}: it contains itself {place}"
            ) from None

    def _check_pseudo_field(self, annotation: Any) -> None:
        """KW_ONLY and the like have done their work; an InitVar cannot do any."""
        resolved = self._resolve(annotation)
        if isinstance(resolved, dataclasses.InitVar) or resolved is dataclasses.InitVar:
            raise unsupported(resolved, "an object that comes from a message has no value for it")

    def _all_annotations(self) -> dict[str, tuple[type[Any], Any]]:
        found: dict[str, tuple[type[Any], Any]] = {}
        for base in reversed(self._cls.__mro__):
            state = own_state(base)
            if state is not None:
                found.update({name: (base, value) for name, value in state.annotations.items()})
            elif dataclasses.is_dataclass(base):
                found.update({field.name: (base, field.type) for field in dataclasses.fields(base)})
        return found

    def _names_in(self, owner: type[Any]) -> Mapping[str, Any]:
        module = sys.modules.get(owner.__module__)
        state = own_state(owner) or state_of(self._cls)
        return ChainMap(
            {self._cls.__name__: self._cls, owner.__name__: owner},
            {
                key: value
                for key, value in vars(owner).items()
                if key not in state.fields and key not in state.made
            },
            cast("dict[str, Any]", state.namespace),
            vars(module) if module is not None else {},
        )

    def _parse_field(self, name: str, annotation: Any) -> Field:
        default, default_factory = self._default(name)
        has_default = default is not MISSING or default_factory is not None
        base, metadata = self._unwrap(annotation)
        number = metadata_of_kind(metadata, FieldNumber)
        member_name = metadata_of_kind(metadata, OneofField)
        optional, choices = self._choices(base)
        if len(choices) > 1 or member_name is not None:
            members = self._members(name, choices if len(choices) > 1 else [annotation])
            return Field(name, None, UnionOf(members), False, default, default_factory)
        node = self._node(choices[0])
        presence = (optional and not metadata) or has_default
        if isinstance(node, (Repeated, MapOf)):
            presence = False
        return Field(
            name,
            int(number) if number is not None else self._count + 1,
            node,
            presence,
            default,
            default_factory,
        )

    def _default(self, name: str) -> tuple[Any, Callable[[], Any] | None]:
        field = state_of(self._cls).fields[name]
        if field.default_factory is not dataclasses.MISSING:
            return MISSING, field.default_factory
        return (MISSING if field.default is dataclasses.MISSING else field.default), None

    def _resolve(self, annotation: Any) -> Any:
        """What an annotation stands for; text, aliases, NewType and Final lead on to something else."""
        for _ in range(_MOST_REFERENCES):
            if isinstance(annotation, str):
                annotation = resolve_text(annotation, self._names)
            elif isinstance(annotation, typing.ForwardRef):
                annotation = resolve_text(annotation.__forward_arg__, self._names)
            elif isinstance(annotation, typing.NewType):
                annotation = annotation.__supertype__
            elif type(annotation).__name__ == "TypeAliasType":
                annotation = annotation.__value__
            elif typing.get_origin(annotation) is typing.Final:
                (annotation,) = typing.get_args(annotation)
            elif getattr(annotation, "_name", None) == "Self":
                return self._cls
            else:
                return annotation
        raise unsupported(annotation, "it refers to itself")

    def _unwrap(self, annotation: Any) -> tuple[Any, tuple[Any, ...]]:
        """The type and the metadata of an Annotated type."""
        annotation = self._resolve(annotation)
        metadata: tuple[Any, ...] = ()
        while typing.get_origin(annotation) is Annotated:
            metadata += annotation.__metadata__
            annotation = self._resolve(annotation.__origin__)
        return annotation, metadata

    def _choices(self, annotation: Any) -> tuple[bool, list[Any]]:
        """Whether None is allowed, and the other types of a union (one type if it is no union)."""
        values = typing.get_args(annotation) if typing.get_origin(annotation) is Literal else ()
        if None in values and len(values) > 1:
            return True, [Literal[tuple(value for value in values if value is not None)]]
        if typing.get_origin(annotation) not in _UNIONS:
            return False, [annotation]
        optional = False
        choices: list[Any] = []
        for choice in map(self._resolve, typing.get_args(annotation)):
            base, metadata = self._unwrap(choice)
            inner_optional, inner = (True, []) if base is type(None) else self._choices(base)
            optional = optional or inner_optional
            choices.extend([choice] if len(inner) == 1 and metadata else inner)
        if not choices:
            raise unsupported(annotation)
        return optional, choices

    def _members(self, field: str, choices: list[Any]) -> tuple[Member, ...]:
        members = []
        for position, choice in enumerate(choices):
            base, metadata = self._unwrap(choice)
            _, (base, *_) = self._choices(base)
            named = metadata_of_kind(metadata, OneofField)
            number = metadata_of_kind(metadata, FieldNumber)
            wrapper = None
            if typing.get_origin(base) is list:
                item_label = self._label(typing.get_args(base)[0])
                wrapper = wrapper_name(field, item_label)
                label = f"{item_label}_sequence"
                node = self._wrapped(wrapper, base)
            else:
                label = self._label(base)
                node = self._node(base)
            if isinstance(node, MapOf):
                raise unsupported(base, "a union holds no maps")
            name = (str(named) if named is not None else f"{field}_{label}").lower()
            check_member_name(name, self._cls)
            members.append(Member(name, int(number) if number else self._count + position + 1, node, wrapper))
        return tuple(members)

    def _wrapped(self, wrapper: str, base: Any) -> Any:
        """The type of a list, whose own message nests what the list needs."""
        if wrapper not in self._nested:
            self._nested[wrapper] = self._make_nested(wrapper, {"values": base}, {}, self._names)
        return schema_of(self._nested[wrapper]).fields[0].type

    def _label(self, annotation: Any) -> str:
        base, _ = self._unwrap(annotation)
        _, (base, *_) = self._choices(base)
        if is_json_dict(base):
            return "dict"
        if typing.get_origin(base) is Literal:
            return type(typing.get_args(base)[0]).__name__
        return getattr(base, "__name__", None) or "any"

    def _node(self, annotation: Any) -> Single | Repeated | MapOf:
        base, _ = self._unwrap(annotation)
        if is_json_dict(base):
            return StructType()
        optional, choices = self._choices(base)
        if optional and len(choices) == 1:
            return self._node(choices[0])
        origin, arguments = typing.get_origin(base), typing.get_args(base)
        if origin is list and arguments:
            return Repeated(self._item(arguments[0], base))
        if origin is dict and len(arguments) == 2:
            return self._map(arguments, base)
        return self._single(base)

    def _item(self, annotation: Any, container: Any) -> Single:
        base, _ = self._unwrap(annotation)
        _, choices = self._choices(base)
        node = self._node(choices[0]) if len(choices) == 1 else None
        if node is None or isinstance(node, (Repeated, MapOf)):
            raise unsupported(container, "lists hold single values")
        return node

    def _map(self, arguments: tuple[Any, ...], container: Any) -> MapOf:
        key = self._single(self._unwrap(arguments[0])[0])
        if not isinstance(key, Scalar) or key.kind not in _KEY_KINDS:
            raise unsupported(container, "keys are str, int or bool")
        base, _ = self._unwrap(arguments[1])
        _, choices = self._choices(base)
        value_type = self._unwrap(choices[0])[0] if choices else None
        nested = map_value_name(self._field, getattr(value_type, "__name__", ""))
        value = None
        if len(choices) == 1:
            plain = isinstance(value_type, type) and value_type is not dict and value_type is not list
            value = self._single(value_type, nested) if plain else self._node(value_type)
        if value is None or isinstance(value, (Repeated, MapOf)):
            raise unsupported(container, "maps hold single values")
        return MapOf(key, value)

    def _single(self, base: Any, nested_name: str | None = None) -> Single:
        if base is Any:
            return AnyType()
        if typing.get_origin(base) is Literal:
            return self._literal(base)
        origin = typing.get_origin(base)
        if getattr(origin, "_caikit_state", None) is not None:
            # Type parameters of a data object are for type checkers: none of its fields depends on them.
            base = origin
        if not isinstance(base, type) or origin in (list, dict):
            raise unsupported(base)
        if base in _SCALARS:
            return _SCALARS[base]
        if base.__module__ == "numpy" and base.__name__ in _NUMPY_SCALARS:
            return _NUMPY_SCALARS[base.__name__]
        if base is datetime.datetime:
            return TimestampType()
        if issubclass(base, Enum):
            return self._enum(base, nested_name)
        return self._message(base, nested_name)

    def _literal(self, base: Any) -> Scalar:
        kinds = {type(value) for value in typing.get_args(base)}
        if len(kinds) != 1 or not kinds <= _SCALARS.keys():
            raise unsupported(base, "the values of a Literal need one type, str, int, bool or bytes")
        return _SCALARS[kinds.pop()]

    def _enum(self, base: type[Enum], nested_name: str | None) -> EnumType:
        wrapper = getattr(base, "_proto_enum", None)
        values = {member.value for member in base}
        if wrapper is not None:
            placeholder = None if 0 in values else wrapper.Name(0)
            return EnumType(base, placeholder)
        check_enum_values(base)
        known = self._enums.get(base)
        if known is None:
            # Value names live in the message, so one enum can be nested only once.
            name = nested_name or base.__name__
            if any(node.nested == name for node in self._enums.values()):
                raise unsupported(base, f"two nested enums are called {name}")
            taken = any(node.placeholder == PLACEHOLDER for node in self._enums.values())
            placeholder = f"{name.upper()}_{PLACEHOLDER}" if taken else PLACEHOLDER
            known = self._enums[base] = EnumType(base, None if 0 in values else placeholder, name)
        return known

    def _message(self, base: type[Any], nested_name: str | None) -> MessageType | Single:
        if getattr(base, "_caikit_state", None) is not None:
            if not _has_message(base):
                raise TypeError(f"{base.__name__} has no message: decorate it with @dataobject")
            return MessageType(base)
        if issubclass(base, Message):
            full_name = base.DESCRIPTOR.full_name
            if full_name in WELL_KNOWN:
                return WELL_KNOWN[full_name]
            registered = _registry.find(full_name)
            if registered is not None:
                return MessageType(registered)
            raise unsupported(base, f"no data object is known for {full_name}")
        if dataclasses.is_dataclass(base):
            return self._plain_dataclass(base, nested_name or base.__name__)
        raise unsupported(base)

    def _plain_dataclass(self, base: type[Any], name: str) -> MessageType:
        if (base, name) not in self._nested:
            hints = {field.name: field.type for field in dataclasses.fields(base)}
            defaults = {}
            for field in dataclasses.fields(base):
                if field.default is not dataclasses.MISSING:
                    defaults[field.name] = field.default
                elif field.default_factory is not dataclasses.MISSING:
                    defaults[field.name] = dataclasses.field(default_factory=field.default_factory)
            self._nested[base, name] = self._make_nested(name, hints, defaults, _names_around(base))
        return MessageType(self._nested[base, name], name)


def _has_message(cls: type[Any]) -> bool:
    states = filter(None, map(own_state, cls.__mro__))
    return any(state.schema is not None or state.complete is not None for state in states)


def _names_around(cls: type[Any]) -> Mapping[str, Any]:
    """What text in the annotations of a class and its parents may refer to."""
    modules = [sys.modules.get(base.__module__) for base in cls.__mro__ if base is not object]
    return ChainMap(*(vars(module) for module in modules if module is not None))
