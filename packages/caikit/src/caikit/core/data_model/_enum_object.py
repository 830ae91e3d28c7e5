"""Enum classes as data objects."""

from __future__ import annotations

from enum import Enum
from typing import Any

from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from . import _registry
from ._descriptor import build_enum, enum_members, symbol_owner
from ._enum_registry import publish_enum
from ._enum_values import check_enum_values
from ._munch import Munch
from ._names import file_name
from ._parse import PLACEHOLDER


def make_enum_object(cls: type[Enum], package: str, name: str) -> None:
    """Build the descriptor of an enum class and add the data object parts to the class."""
    check_enum_values(cls)
    values = [member.value for member in cls]
    placeholder = None if 0 in values else _placeholder(cls, package, name)
    _check_value_names(cls, package, name)
    descriptor = build_enum(package, name, enum_members(cls, placeholder))
    wrapper = _wrapper(descriptor)
    for attribute, value in {
        "_proto_enum": wrapper,
        "to_dict": classmethod(_to_dict),
        "to_munch": classmethod(_to_munch),
    }.items():
        setattr(cls, attribute, value)
    publish_enum(cls.__name__, cls, {number: text for text, number in reversed(wrapper.items())})
    _registry.register(descriptor.full_name, cls)
    _registry.register_rendered(descriptor.full_name, wrapper)


def _placeholder(cls: type[Enum], package: str, name: str) -> str:
    """Value names live in the package: only one enum can use the plain name there."""
    owner = symbol_owner(".".join(filter(None, (package, PLACEHOLDER))))
    if owner is None or owner == file_name(package, name):
        return PLACEHOLDER
    return f"{name.upper()}_{PLACEHOLDER}"


def _check_value_names(cls: type[Enum], package: str, name: str) -> None:
    for value_name in cls.__members__:
        owner = symbol_owner(".".join(filter(None, (package, value_name))))
        if owner is not None and owner != file_name(package, name):
            raise TypeError(
                f"enum {cls.__name__}: the name {value_name} is taken by {owner}; "
                f"the enums and messages of a package, here {package!r}, share their names"
            )


def _wrapper(descriptor: Any) -> EnumTypeWrapper:
    from ._render import render_file, write_file

    wrapper: Any = EnumTypeWrapper(descriptor)
    wrapper.to_proto_file = lambda: render_file(descriptor.file)
    wrapper.write_proto_file = lambda root_dir=".": write_file(descriptor.file, root_dir)
    made: EnumTypeWrapper = wrapper
    return made


def _to_dict(cls: type[Enum]) -> dict[str, int]:
    return {name: member.value for name, member in cls.__members__.items()}


def _to_munch(cls: type[Enum]) -> Munch:
    return Munch(_to_dict(cls))
