"""From parsed JSON to data objects, with every problem reported."""

from __future__ import annotations

import json
from typing import Any

from ._codecs import codecs_of
from ._json_input import JsonInputError, Location, RefusedError, parse_json
from ._json_issues import issues_of
from ._json_nodes import WIRE, WIRE_IGNORING, Mode, Reader, node_reader
from ._json_object import own_reader
from ._schema import MessageType

_MOST_READERS = 10_000
_readers: dict[tuple[int, int], tuple[Any, Reader]] = {}


def object_from_json(
    cls: type[Any], json_str: str | dict[str, Any], ignore_unknown_fields: bool = False
) -> Any:
    """What `from_json` does."""
    mode = WIRE_IGNORING if ignore_unknown_fields else WIRE
    return read_object(cls, parse_json(json_text(json_str)), (), mode)


def json_text(value: str | dict[str, Any]) -> str:
    """JSON text; a dictionary becomes text first, so that it may hold what JSON can, and nothing is shared."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return json.dumps(value)
    raise TypeError(
        f"type check failed: variable `json_str` has type `{type(value).__name__}` not in `('str', 'dict')`"
    )


def read_object(cls: type[Any], value: Any, loc: Location, mode: Mode) -> Any:
    """A data object from parsed JSON, by the reader of its fields."""
    return _reporting(own_reader(codecs_of(cls), mode), MessageType(cls), value, loc, mode)


def read_node(node: Any, value: Any, loc: Location, mode: Mode) -> Any:
    """The value of a schema node from parsed JSON."""
    # Looked up by identity: schemas live as long as their classes, and hashing a node takes longer than reading it.
    known = _readers.get((id(node), mode.number))
    if known is None or known[0] is not node:
        if len(_readers) >= _MOST_READERS:
            _readers.clear()
        known = _readers[id(node), mode.number] = (node, node_reader(node, mode))
    return _reporting(known[1], node, value, loc, mode)


def _reporting(reader: Reader, node: Any, value: Any, loc: Location, mode: Mode) -> Any:
    try:
        return reader(value)
    except RefusedError as refused:
        raise JsonInputError(issues_of(node, value, loc, mode, refused)) from None
    except RecursionError:
        deep = RefusedError("recursion_loop", "Input is nested too deeply")
        raise JsonInputError(issues_of(None, value, loc, mode, deep)) from None
