from __future__ import annotations

from enum import Enum
from typing import Any

from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from ._enum_registry import publish_enum
from ._munch import make_enum


def isprotobufenum(obj: Any) -> bool:
    """True for the wrapper of a protobuf enum."""
    return isinstance(obj, EnumTypeWrapper)


def import_enum(proto_enum: Any, enum_class: type[Enum] | None = None) -> tuple[str, str]:
    """Publish a protobuf enum in this module; the names under which it and its reverse map are found."""
    if not isprotobufenum(proto_enum):
        raise AttributeError(f"`{proto_enum}` is not a valid protobuf enumeration")
    name = proto_enum.DESCRIPTOR.name
    members = proto_enum.items()
    if enum_class is None:
        enum_class = make_enum(name, dict(members))
    publish_enum(name, enum_class, {number: text for text, number in reversed(members)})
    return name, f"{name}Rev"


def import_enums(current_globals: dict[str, Any]) -> None:
    """Publish all enums that `current_globals["protobufs"].all_enum_names` lists, there and here."""
    from . import enums

    protobufs = current_globals["protobufs"]
    for enum_name in protobufs.all_enum_names:
        for name in import_enum(getattr(protobufs, enum_name)):
            current_globals[name] = getattr(enums, name)
