"""Names that are derived from the names of fields and types."""

from __future__ import annotations


def upper_camel(name: str) -> str:
    """`my_foo` -> `MyFoo`; letters inside a word stay as they are."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def lower_camel(name: str) -> str:
    """The JSON name of a protobuf field: `my_foo` -> `myFoo`."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def entry_name(field: str) -> str:
    """The nested message behind a map field."""
    return f"{upper_camel(field)}Entry"


def wrapper_name(field: str, item: str) -> str:
    """The nested message that holds a list inside a oneof."""
    return f"{upper_camel(field.capitalize())}{item.capitalize()}Sequence"


def map_value_name(field: str, name: str) -> str:
    """The nested enum or message that is the value of a map."""
    return upper_camel(f"{field}_{name}")


def file_name(package: str, name: str) -> str:
    """The descriptor file of a data object."""
    return f"{package}.{name.lower()}.proto"
