"""Everything that is wrong with a JSON input, looked for after a reader has refused it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ._codecs import overrides
from ._json_input import MOST_ISSUES, Issue, Location, RefusedError
from ._json_nodes import Mode, node_reader
from ._json_union import member_node, member_reader, two_members, wrapped_name
from ._names import lower_camel
from ._oneof import list_item
from ._schema import (
    EnumType,
    MapOf,
    MessageType,
    Repeated,
    Scalar,
    StructType,
    TimestampType,
    UnionOf,
    schema_of,
)

_LONGEST_SEARCH_SECONDS = 0.5
"""CPU time; a search reads deep values several times."""

_LABELS = {"string": "str", "double": "float", "int64": "int", "bool": "bool", "bytes": "bytes"}


def issues_of(node: Any, value: Any, loc: Location, mode: Mode, refused: RefusedError) -> list[Issue]:
    """At least one issue: what the reader said, if the search finds nothing."""
    found = _Found()
    try:
        if node is not None:
            _search(node, value, loc, mode, found)
    except _EnoughError:
        pass
    except RecursionError:
        found.issues.clear()
    return found.issues or [Issue(refused.type, loc, refused.msg, value, refused.ctx)]


class _EnoughError(Exception):
    """Ends a search: nobody reads more, or it takes too long."""


class _Found:
    """The issues so far."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self._end = time.thread_time() + _LONGEST_SEARCH_SECONDS

    def __len__(self) -> int:
        return len(self.issues)

    def add(self, issue: Issue) -> None:
        self.issues.append(issue)
        if len(self.issues) >= MOST_ISSUES:
            raise _EnoughError

    def add_refused(self, refused: RefusedError, loc: Location, value: Any) -> None:
        for issue in refused.issues or [Issue(refused.type, (), refused.msg, value, refused.ctx)]:
            self.add(replace(issue, loc=(*loc, *issue.loc)))

    def check_time(self) -> None:
        if time.thread_time() > self._end:
            raise _EnoughError


def _search(node: Any, value: Any, loc: Location, mode: Mode, found: _Found) -> None:
    found.check_time()
    match node:
        case MessageType(cls) if isinstance(value, dict) and not overrides(cls, "from_json"):
            _search_object(cls, value, loc, mode, found)
        case Repeated(item) if isinstance(value, list):
            _search_items(item, enumerate(value), loc, mode, found)
        case MapOf(_, item) if isinstance(value, dict):
            before = len(found)
            _search_items(item, value.items(), loc, mode, found)
            if len(found) == before:
                _try(node, value, loc, mode, found)
        case UnionOf(members):
            _search_union(node, members, value, loc, mode, found)
        case _:
            _try(node, value, loc, mode, found)


def _search_items(
    node: Any, items: Iterable[tuple[str | int, Any]], loc: Location, mode: Mode, found: _Found
) -> None:
    if not isinstance(node, Scalar):
        for key, item in items:
            _search(node, item, (*loc, key), mode, found)
        return
    read = node_reader(node, mode)
    for key, item in items:
        try:
            read(item)
        except RefusedError as refused:
            found.add_refused(refused, (*loc, key), item)


def _try(node: Any, value: Any, loc: Location, mode: Mode, found: _Found) -> None:
    try:
        node_reader(node, mode)(value)
    except RefusedError as refused:
        found.add_refused(refused, loc, value)
    except (TypeError, ValueError) as error:
        found.add(Issue("value_error", loc, f"Value error, {error}", value, {"error": {}}))


def _search_union(node: UnionOf, members: Any, value: Any, loc: Location, mode: Mode, found: _Found) -> None:
    try:
        node_reader(node, mode)(value)
    except RefusedError:
        for member in members:
            inner = member_node(member)
            place = (*loc, label(inner)) if len(members) > 1 else loc
            _search(inner, value, place, mode, found)


def _search_object(cls: type[Any], value: dict[str, Any], loc: Location, mode: Mode, found: _Found) -> None:
    before = len(found)
    known: set[str] = set()
    for field in schema_of(cls).fields:
        given = {name: value[name] for name in (field.name, lower_camel(field.name)) if name in value}
        known.update(given)
        for name, item in given.items():
            if item is not None:
                _search(field.type, item, (*loc, name), mode, found)
        if isinstance(field.type, UnionOf):
            known.update(_search_members(cls, field.name, field.type, value, given, loc, mode, found))
    if not mode.ignore_unknown:
        for name, item in value.items():
            if name not in known:
                found.add(Issue("extra_forbidden", (*loc, name), "Extra inputs are not permitted", item))
    if len(found) == before:
        _try(MessageType(cls), value, loc, mode, found)


def _search_members(
    cls: type[Any],
    union: str,
    node: UnionOf,
    value: dict[str, Any],
    given: dict[str, Any],
    loc: Location,
    mode: Mode,
    found: _Found,
) -> set[str]:
    names = set()
    active = [name for name, item in given.items() if item is not None]
    for member in node.members:
        for name in (member.name, lower_camel(member.name)):
            if name not in value or name in names:
                continue
            names.add(name)
            if value[name] is None:
                continue
            active.append(name)
            try:
                member_reader(cls, member, mode)(value[name])
            except RefusedError:
                _search_member(cls, member, value[name], (*loc, name), mode, found)
    if len(active) > 1:
        refused = two_members(union)
        found.add_refused(refused, (*loc, active[1]), value[active[1]])
    return names


def _search_member(cls: type[Any], member: Any, value: Any, loc: Location, mode: Mode, found: _Found) -> None:
    """Also inside the wrapping object that a list has on the wire."""
    if list_item(member) is not None and isinstance(value, dict):
        name = wrapped_name(cls, member)
        if value.keys() <= {name}:
            value, loc = value[name], (*loc, name)
    _search(member_node(member), value, loc, mode, found)


def label(node: Any) -> str:
    """How a member of a union is called in a location."""
    match node:
        case Scalar(kind):
            return _LABELS.get(kind, kind)
        case EnumType(cls):
            return cls.__name__
        case MessageType(cls):
            return schema_of(cls).full_name
        case TimestampType():
            return "datetime"
        case StructType():
            return "dict[any,any]"
        case Repeated(item):
            return f"list[{label(item)}]"
    return "any"
