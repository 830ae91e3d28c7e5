"""Classes over message classes that protoc has generated."""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import Any

from . import _registry
from ._munch import make_enum
from ._state import state_of


def prepare(namespace: dict[str, Any]) -> dict[str, Any]:
    """Annotations for the attributes of the class: fields, and unions instead of their members."""
    descriptor = namespace["_proto_class"].DESCRIPTOR
    members = _members(descriptor)
    namespace["_precompiled_names"] = tuple(field.name for field in descriptor.fields)
    namespace["_precompiled_members"] = members
    if "__init__" not in namespace:
        namespace["__init__"] = _init
    names = dict.fromkeys(members.get(field.name, field.name) for field in descriptor.fields)
    return dict.fromkeys(names, Any)


def _members(descriptor: Any) -> dict[str, str]:
    """Union member to union; proto3 `optional` is no union."""
    found = {}
    for name, union in descriptor.oneofs_by_name.items():
        fields = list(union.fields)
        if len(fields) != 1 or name != f"_{fields[0].name}":
            found.update({field.name: name for field in fields})
    return found


def finish(cls: Any) -> None:
    """What is known without looking at the types of the fields."""
    from ._codecs import codecs_of

    descriptor = cls._proto_class.DESCRIPTOR
    state = state_of(cls)
    members: dict[str, str] = cls._precompiled_members
    for union in dict.fromkeys(members.values()):
        raw = f"_oneof_{union}"
        setattr(cls, raw, cls.__dict__[union])
        setattr(cls, union, property(attrgetter(raw), partial(_set_union, union)))
    for member, union in members.items():
        reader = partial(_get_member, codecs_of, union, member)
        setattr(cls, member, property(reader, partial(_set_member, union, member)))
    for name, value in {"fields": cls._precompiled_names, "full_name": descriptor.full_name}.items():
        if name not in state.fields:
            setattr(cls, name, value)
    state.complete = partial(_complete, cls)
    _registry.register(descriptor.full_name, cls)


def _get_member(codecs_of: Any, union: str, member: str, self: Any) -> Any:
    active = codecs_of(type(self)).which(self, union)
    return getattr(self, union) if active == member else None


def _set_union(union: str, self: Any, value: Any) -> None:
    setattr(self, f"_oneof_{union}", value)
    self._which = {
        name: member for name, member in (getattr(self, "_which", None) or {}).items() if name != union
    }


def _set_member(union: str, member: str, self: Any, value: Any) -> None:
    _set_union(union, self, value)
    if value is not None:
        self._which = {**self._which, union: member}


def _init(self: Any, *args: Any, **kwargs: Any) -> None:
    names: tuple[str, ...] = self._precompiled_names
    members: dict[str, str] = self._precompiled_members
    if len(args) > len(names):
        raise TypeError(f"Too many arguments given. Args are: {args}")
    given = dict(zip(names, args, strict=False))
    for name, value in kwargs.items():
        if name in given:
            raise TypeError(f"Got multiple values for field {name}")
        if name not in names and name not in members.values():
            raise TypeError(f"Unknown field {name}")
        given[name] = value
    for name in type(self).__dataclass_fields__:
        setattr(self, name, given.pop(name, None))
    for name, value in given.items():
        if value is not None:
            setattr(self, name, value)


def _complete(cls: Any) -> None:
    from ._munch import Munch
    from ._schema import EnumType, Field, Member, MessageSchema, UnionOf

    descriptor = cls._proto_class.DESCRIPTOR
    state = state_of(cls)
    unions: dict[str, list[Member]] = {}
    fields: dict[str, Field] = {}
    enums = {}
    for field in descriptor.fields:
        node = _node(field)
        single = getattr(node, "item", node)
        if isinstance(single, EnumType):
            enums[field.name] = single
        union = cls._precompiled_members.get(field.name)
        if union is None:
            fields[field.name] = Field(field.name, field.number, node, _has_presence(field))
        else:
            unions.setdefault(union, []).append(Member(field.name, field.number, node))
            fields[union] = Field(union, None, UnionOf(tuple(unions[union])))
    state.schema = MessageSchema(
        descriptor.full_name, descriptor.file.package, descriptor.name, tuple(fields.values()), cls.__doc__
    )
    cls.fields_enum_map = {name: node.cls for name, node in enums.items()}
    cls.fields_enum_rev = {name: Munch(node.names()) for name, node in enums.items()}


def _has_presence(field: Any) -> bool:
    return field.message_type is None and bool(field.has_presence)


def _node(field: Any) -> Any:
    from ._schema import MapOf, Repeated
    from ._wire_types import is_repeated

    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        return MapOf(_single(entry.fields_by_name["key"]), _single(entry.fields_by_name["value"]))
    return Repeated(_single(field)) if is_repeated(field) else _single(field)


def _single(field: Any) -> Any:
    from ._parse import WELL_KNOWN
    from ._schema import EnumType, MessageType, Scalar
    from ._wire_types import SCALAR_KINDS

    if field.enum_type is not None:
        return EnumType(_enum_class(field.enum_type))
    if field.message_type is None:
        return Scalar(SCALAR_KINDS[field.type])
    full_name = field.message_type.full_name
    if full_name in WELL_KNOWN:
        return WELL_KNOWN[full_name]
    cls = _registry.find(full_name)
    if cls is None:
        raise AttributeError(f"no data model class found in registry for protobufs named `{full_name}`")
    return MessageType(cls)


def _enum_class(descriptor: Any) -> Any:
    registered = _registry.find(descriptor.full_name)
    if registered is None:
        registered = make_enum(descriptor.name, {value.name: value.number for value in descriptor.values})
        _registry.register(descriptor.full_name, registered)
    return registered
