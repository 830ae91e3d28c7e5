"""What protobuf's own library makes of a data object, found by walking the descriptor."""

from __future__ import annotations

import datetime
import math
import struct
from enum import Enum
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor

from caikit.core.data_model import DataBase

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
STRUCT, TIMESTAMP, ANY = "google.protobuf.Struct", "google.protobuf.Timestamp", "google.protobuf.Any"


def union_of(field: Any) -> str | None:
    """The name of the union that a field is a member of."""
    oneof = field.containing_oneof
    return None if oneof is None or oneof.name == f"_{field.name}" else oneof.name


def is_repeated(field: Any) -> bool:
    if hasattr(field, "is_repeated"):
        return field.is_repeated
    return field.label == FieldDescriptor.LABEL_REPEATED


def is_map(field: Any) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def is_kind(field: Any, name: str) -> bool:
    return field.message_type is not None and field.message_type.full_name == name


def holds_list(field: Any, value: Any) -> bool:
    """True for a list inside a union, which has a message of its own on the wire."""
    return not is_repeated(field) and (isinstance(value, (list, tuple)) or hasattr(value, "tolist"))


def single(value: float) -> float:
    """The value as a 32 bit float."""
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def local(moment: datetime.datetime) -> datetime.datetime:
    return moment.astimezone().replace(tzinfo=None)


def mentions(descriptor: Any, name: str, seen: frozenset[str] = frozenset()) -> bool:
    """True if a message of this type may hold one of that name."""
    if descriptor.full_name == name:
        return True
    return descriptor.full_name not in seen and any(
        field.message_type is not None and mentions(field.message_type, name, seen | {descriptor.full_name})
        for field in descriptor.fields
    )


# -- a message filled by reflection ---------------------------------------------------------------------------


def reference(value: Any) -> Any:
    """The message of a data object."""
    return _fill(type(value).get_proto_class()(), value)


def _fill(message: Any, value: Any) -> Any:
    for field in message.DESCRIPTOR.fields:
        union = union_of(field)
        if union is None:
            given = getattr(value, field.name)
        else:
            given = getattr(value, union) if value.which_oneof(union) == field.name else None
        if given is not None:
            _set(message, field, given)
    return message


def _set(message: Any, field: Any, given: Any) -> None:
    if is_map(field):
        target = getattr(message, field.name)
        key_field, value_field = (field.message_type.fields_by_name[name] for name in ("key", "value"))
        for key, item in given.items():
            key = _scalar(key_field, key)
            if value_field.message_type is not None:
                target[key].CopyFrom(_part(value_field, item))
            else:
                target[key] = _scalar(value_field, item)
    elif is_repeated(field):
        target = getattr(message, field.name)
        for item in given:
            if field.message_type is not None:
                target.add().CopyFrom(_part(field, item))
            else:
                target.append(_scalar(field, item))
    elif field.message_type is not None:
        part = getattr(message, field.name)
        part.SetInParent()
        part.CopyFrom(_part(field, given))
        part.SetInParent()
    else:
        setattr(message, field.name, _scalar(field, given))


def _part(field: Any, given: Any) -> Any:
    made = message_factory.GetMessageClass(field.message_type)()
    if is_kind(field, STRUCT):
        made.update(given)
    elif is_kind(field, TIMESTAMP):
        made.FromDatetime(given.astimezone(datetime.timezone.utc))
    elif is_kind(field, ANY):
        if given is not None:
            made.Pack(reference(given))
    elif holds_list(field, given):
        _set(made, made.DESCRIPTOR.fields[0], given)
    else:
        _fill(made, given)
    return made


def _scalar(field: Any, given: Any) -> Any:
    if field.enum_type is not None:
        if isinstance(given, str):
            return field.enum_type.values_by_name[given].number
        return given.value if isinstance(given, Enum) else given
    given = given.item() if hasattr(given, "item") else given
    if isinstance(given, bool) and field.cpp_type != FieldDescriptor.CPPTYPE_BOOL:
        return int(given)
    return given


def stable(message: Any) -> bytes:
    """Equal for equal messages, also if they hold NaN."""
    return message.SerializeToString(deterministic=True)


# -- what a data object holds ---------------------------------------------------------------------------------


def view(value: Any, *, loose: bool = False) -> Any:
    """Everything in a data object as plain values; `loose`: as if every value had gone through the wire."""
    seen: dict[str, Any] = {}
    descriptor = type(value).get_proto_class().DESCRIPTOR
    for field in descriptor.fields:
        union = union_of(field)
        if union is None:
            seen[field.name] = _seen(field, getattr(value, field.name), loose)
        elif value.which_oneof(union) == field.name:
            seen[union] = (field.name, _seen(field, getattr(value, union), loose))
        else:
            seen.setdefault(union, None)
    return (descriptor.full_name, seen)


def _seen(field: Any, given: Any, loose: bool) -> Any:
    if given is None:
        return None
    if is_map(field):
        key, item = (field.message_type.fields_by_name[name] for name in ("key", "value"))
        return {_leaf(key, k, loose): _leaf(item, v, loose) for k, v in given.items()}
    if is_repeated(field):
        return _items(field, given, loose)
    if field.message_type is not None and not is_kind(field, STRUCT) and holds_list(field, given):
        return _items(field.message_type.fields[0], given, loose)
    return _leaf(field, given, loose)


def _items(field: Any, given: Any, loose: bool) -> Any:
    if not loose:
        kind = given.__class__.__name__
        return (
            (kind, [_leaf(field, item, loose) for item in given])
            if kind != "list"
            else [_leaf(field, item, loose) for item in given]
        )
    return [_leaf(field, item, loose) for item in given]


def _leaf(field: Any, given: Any, loose: bool) -> Any:
    if given is None:  # an empty Any in a list
        return None
    if hasattr(given, "get_proto_class"):
        return view(given, loose=loose)
    if is_kind(field, STRUCT):
        return _json(given) if loose else given
    if is_kind(field, TIMESTAMP):
        return local(given) if loose else given
    if field.message_type is not None:  # a plain dataclass, nested in the message
        fields = field.message_type.fields
        return (
            field.message_type.full_name,
            {part.name: _seen(part, getattr(given, part.name), loose) for part in fields},
        )
    if not loose:
        return given
    made = _scalar(field, given)
    if field.type == FieldDescriptor.TYPE_FLOAT:
        return single(made)
    return float(made) if field.type == FieldDescriptor.TYPE_DOUBLE else made


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def same(left: Any, right: Any) -> bool:
    """Equality of views: NaN equals NaN, 1 is neither True nor 1.0, and zeros have signs."""
    if left.__class__ is not right.__class__:
        return False
    if isinstance(left, dict):
        # Keys are compared with their types, in any order.
        keys = {(key.__class__, key): key for key in right}
        return len(left) == len(right) and all(
            (key.__class__, key) in keys and same(item, right[key]) for key, item in left.items()
        )
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float):
        if math.isnan(left) or math.isnan(right):
            return math.isnan(left) and math.isnan(right)
        return left == right and math.copysign(1, left) == math.copysign(1, right)
    return bool(left == right)


# -- what from_proto should make of a message -----------------------------------------------------------------


def read(cls: Any, message: Any) -> Any:
    """The view of `cls.from_proto(message)`."""
    seen: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        union = union_of(field)
        if union is None:
            seen[field.name] = _read_field(cls, message, field)
        elif message.WhichOneof(union) == field.name:
            seen[union] = (field.name, _read_value(field, getattr(message, field.name), member=True))
        else:
            seen.setdefault(union, None)
    for union, found in seen.items():
        if found is None and union in cls.get_field_defaults():
            made = cls()
            seen[union] = view(made)[1][union]
    return (message.DESCRIPTOR.full_name, seen)


def _read_field(cls: Any, message: Any, field: Any) -> Any:
    value = getattr(message, field.name)
    if is_map(field):
        item = field.message_type.fields_by_name["value"]
        return {key: _read_value(item, value[key]) for key in value}
    if is_repeated(field):
        return [_read_value(field, item) for item in value]
    if field.has_presence and not message.HasField(field.name):
        default = cls.get_field_defaults().get(field.name)
        default = default() if callable(default) else default
        return None if default is None else _seen(field, default, False)
    return _read_value(field, value)


def _read_value(field: Any, value: Any, *, member: bool = False) -> Any:
    if field.message_type is None:
        return value
    if is_kind(field, STRUCT):
        return _read_struct(value)
    if is_kind(field, TIMESTAMP):
        return local(EPOCH + datetime.timedelta(seconds=value.seconds, microseconds=value.nanos // 1000))
    if is_kind(field, ANY):
        if not value.type_url:
            return None
        cls = DataBase.get_class_for_name(value.TypeName())
        return read(cls, cls.get_proto_class().FromString(value.value))
    if (
        member
        and field.message_type.containing_type is not None
        and field.message_type.name.endswith("Sequence")
    ):
        items = field.message_type.fields[0]
        return [_read_value(items, item) for item in getattr(value, items.name)]
    return read(DataBase.get_class_for_proto(value), value)


def _read_struct(value: Any) -> dict[str, Any]:
    return {key: _read_json(item) for key, item in value.fields.items()}


def _read_json(value: Any) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _read_struct(value.struct_value)
        case "list_value":
            return [_read_json(item) for item in value.list_value.values]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case None | "null_value":
            return None
        case kind:
            return getattr(value, kind)


# -- what to_dict should make of a data object ----------------------------------------------------------------


def dictionary(value: Any, descriptor: Any = None) -> dict[str, Any]:
    """The content of `value.to_dict()`."""
    made: dict[str, Any] = {}
    for field in (descriptor or type(value).get_proto_class().DESCRIPTOR).fields:
        union = union_of(field)
        if union is None:
            made[field.name] = _entry(field, getattr(value, field.name))
        elif value.which_oneof(union) == field.name:
            made[field.name] = _entry(field, getattr(value, union))
    return made


def _entry(field: Any, given: Any) -> Any:
    if given is None:
        return None
    if is_map(field):
        item = field.message_type.fields_by_name["value"]
        return {key: _entry_leaf(item, value) for key, value in given.items()}
    if is_repeated(field):
        return [_entry_leaf(field, item) for item in _listed(given)]
    if field.message_type is not None and not is_kind(field, STRUCT) and holds_list(field, given):
        items = field.message_type.fields[0]
        return {items.name: [_entry_leaf(items, item) for item in _listed(given)]}
    return _entry_leaf(field, given)


def _listed(given: Any) -> Any:
    return given.tolist() if hasattr(given, "tolist") else given


def _entry_leaf(field: Any, given: Any) -> Any:
    if field.enum_type is not None:
        number = _scalar(field, given)
        found = field.enum_type.values_by_number.get(number)
        return number if found is None else found.name
    if is_kind(field, ANY):
        if given is None:
            return None
        name = type(given).get_proto_class().DESCRIPTOR.full_name
        return {"@type": f"type.googleapis.com/{name}", **dictionary(given)}
    if field.message_type is None or is_kind(field, STRUCT) or is_kind(field, TIMESTAMP):
        return given
    return dictionary(given, field.message_type)
