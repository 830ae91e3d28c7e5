"""Bytes and JSON of data objects, for those who have a class and want no message in between."""

from __future__ import annotations

from typing import Any

from ._codecs import codecs_of
from ._json_input import Issue, JsonInputError, Location, parse_json
from ._json_nodes import REQUEST, REQUEST_IGNORING
from ._json_read import read_node
from ._json_typed import REFUSED, Typed, typed_arguments, typed_node
from ._proto_read import BytesInputError

__all__ = [
    "REFUSED",
    "BytesInputError",
    "Issue",
    "JsonInputError",
    "Typed",
    "decode_given",
    "decode_json",
    "decode_json_type",
    "encode_bytes",
    "encode_json",
    "parse_json",
    "typed_arguments",
    "typed_node",
]


def decode_given(cls: type[Any], data: bytes) -> dict[str, Any]:
    """The fields that are given in the bytes of a message, by attribute name."""
    return codecs_of(cls).decode_given(data)


def encode_bytes(obj: Any) -> bytes:
    """The bytes of the message of a data object."""
    encoded: bytes = obj.to_proto().SerializeToString()
    return encoded


def decode_json(
    cls: type[Any], value: Any, loc: Location = (), *, ignore_unknown_fields: bool = False
) -> Any:
    """A data object from parsed JSON; JsonInputError says what does not fit."""
    return decode_json_type(codecs_of(cls).node, value, loc, ignore_unknown_fields=ignore_unknown_fields)


def decode_json_type(
    node: Any, value: Any, loc: Location = (), *, ignore_unknown_fields: bool = False
) -> Any:
    """The value of any schema node from parsed JSON."""
    return read_node(node, value, loc, REQUEST_IGNORING if ignore_unknown_fields else REQUEST)


def encode_json(obj: Any) -> bytes:
    """The text of `obj.to_json()` as bytes."""
    text: str = obj.to_json()
    return text.encode()
