"""Names that fields cannot have."""

from __future__ import annotations

import keyword
from typing import Any

_METHODS = frozenset(
    (
        "fill_proto",
        "from_backend",
        "from_binary_buffer",
        "from_json",
        "from_proto",
        "_proto_class",
        "get_proto_class",
        "supports_file_operations",
        "to_binary_buffer",
        "to_dict",
        "to_json",
        "to_proto",
    )
)
"""Of data objects; a field of such a name would hide what the codecs call."""

_MESSAGE_METHODS = frozenset(
    (
        "ByteSize",
        "Clear",
        "ClearField",
        "CopyFrom",
        "FromString",
        "HasField",
        "ListFields",
        "MergeFrom",
        "MergeFromString",
        "ParseFromString",
        "SerializeToString",
        "SetInParent",
        "WhichOneof",
    )
)


def check_field_name(name: str, cls: type[Any]) -> None:
    """A ValueError for a name that Python, data objects or messages need for themselves."""
    if keyword.iskeyword(name) or not name.isidentifier():
        raise _cannot_be_called(name, "a field", "a word of Python is no name")
    if name in _METHODS or (name.startswith("__") and name.endswith("__")) or _is_private(name, cls):
        raise _cannot_be_called(name, "a field", "data objects need it for themselves")
    if name in _MESSAGE_METHODS:
        raise _cannot_be_called(name, "a field", "protobuf messages need it for themselves")


def check_member_name(name: str, cls: type[Any]) -> None:
    """The same for a member of a union, which is an argument of the constructor in any case."""
    check_field_name(name, cls)
    if name == "self":
        raise _cannot_be_called(name, "a union member", "the constructor needs it")


def _is_private(name: str, cls: type[Any]) -> bool:
    if not name.startswith("_"):
        return False
    roots = (base for base in cls.__mro__ if base.__dict__.get("_is_data_base"))
    return name == "_private_slots" or any(name in root.__dict__ for root in roots)


def _cannot_be_called(name: str, what: str, why: str) -> ValueError:
    return ValueError(f"{name!r} cannot be the name of {what}: {why}")
