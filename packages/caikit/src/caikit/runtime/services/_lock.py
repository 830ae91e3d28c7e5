"""The lock of an interface: a file that says which number every field has, so that it keeps it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ._wire_fields import WireField

__all__ = ["InterfaceLock", "LockError", "LockedField", "read_lock"]

_FORMAT = 1
_FIELD = re.compile(r"(.+) (\w+) = (\d+)")


class LockError(RuntimeError):
    """The lock of an interface cannot be used; unlike a bad signature, that stops everything."""


class LockedField(NamedTuple):
    """A field as it stands in an interface file."""

    type: str
    name: str
    number: int

    def __str__(self) -> str:
        return f"{self.type} {self.name} = {self.number}"


@dataclass(slots=True)
class InterfaceLock:
    """What the file says, and what has been built since it was read.

    A field keeps its number as long as its name and type stay. What is gone or has changed its type leaves its number
    to nobody else: clients in the field still send it.
    """

    path: str
    messages: dict[str, list[LockedField]] = field(default_factory=dict)
    retired: dict[str, list[LockedField]] = field(default_factory=dict)
    rpcs: dict[str, str] = field(default_factory=dict)
    built: dict[str, list[LockedField]] = field(default_factory=dict)

    def assign(self, message: str, fields: Sequence[WireField]) -> dict[str, int]:
        """The number of each field; new ones come after all that were ever used."""
        known = self._known(message)
        numbers = {(each.type, each.name): each.number for each in known}
        highest = max((each.number for each in known), default=0)
        assigned = []
        for each in fields:
            number = numbers.get((each.type, each.name))
            if number is None:
                number = highest = highest + 1
            assigned.append(LockedField(each.type, each.name, number))
        self.built[message] = assigned
        return {each.name: each.number for each in assigned}

    def describes(self, message: str) -> bool:
        """Whether the file has just the fields that a message was built with."""
        return set(self.built[message]) == set(self.messages.get(message, ()))

    def differences(self, rpcs: Mapping[str, str]) -> list[str]:
        """What existing clients would notice, one sentence each."""
        found = [
            f"RPC {path} is gone" if path not in rpcs else f"RPC {path} was {known}, now it is {rpcs[path]}"
            for path, known in sorted(self.rpcs.items())
            if rpcs.get(path) != known
        ]
        for message, now in sorted(self.built.items()):
            types = {each.name: each.type for each in now}
            for each in self.messages.get(message, ()):
                if each.name not in types:
                    found.append(f"{message}: field {each.name} is gone")
                elif types[each.name] != each.type:
                    found.append(
                        f"{message}: field {each.name} was {each.type}, now it is {types[each.name]}"
                    )
        return found

    def text(self, rpcs: Mapping[str, str]) -> str:
        """The content of a file that knows everything that has been built; always the same for the same interface."""
        messages = {**self.messages, **self.built}
        retired = {message: self._retired(message) for message in messages}
        content = {
            "format": _FORMAT,
            "messages": {name: _lines(fields) for name, fields in sorted(messages.items())},
            "retired": {name: _lines(fields) for name, fields in sorted(retired.items()) if fields},
            "rpcs": dict(sorted(rpcs.items())),
        }
        return json.dumps(content, indent=2) + "\n"

    def _known(self, message: str) -> list[LockedField]:
        return [*self.messages.get(message, ()), *self.retired.get(message, ())]

    def _retired(self, message: str) -> list[LockedField]:
        now = self.built[message] if message in self.built else self.messages[message]
        return [each for each in self._known(message) if each not in now]


def read_lock(path: str) -> InterfaceLock:
    """The lock in a file; LockError tells what is wrong with it."""
    if not os.path.isfile(path):
        raise _invalid(path, "there is no such file; caikit-render-interfaces --write-lock makes it")
    with open(path, encoding="utf-8") as file:
        try:
            content = json.load(file)
        except ValueError as error:
            raise _invalid(path, f"expected JSON: {error}") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise _invalid(path, f"expected an object with 'format': {_FORMAT}")
    lock = InterfaceLock(
        path,
        _parsed(path, content.get("messages")),
        _parsed(path, content.get("retired")),
        dict(content.get("rpcs") or {}),
    )
    for message in lock.messages:
        _check_numbers(path, message, lock._known(message))
    return lock


def _check_numbers(path: str, message: str, fields: Iterable[LockedField]) -> None:
    owners: dict[int, LockedField] = {}
    for each in fields:
        other = owners.setdefault(each.number, each)
        if other is not each:
            raise _invalid(path, f"{message}: {other.name} and {each.name} have the number {each.number}")


def _parsed(path: str, section: Any) -> dict[str, list[LockedField]]:
    return {message: [_field(path, line) for line in lines] for message, lines in (section or {}).items()}


def _field(path: str, line: Any) -> LockedField:
    match = _FIELD.fullmatch(line) if isinstance(line, str) else None
    if match is None or int(match[3]) == 0:
        raise _invalid(path, f"expected a field such as 'string name = 1', got {line!r}")
    return LockedField(match[1], match[2], int(match[3]))


def _lines(fields: Iterable[LockedField]) -> list[str]:
    return [str(each) for each in sorted(fields, key=lambda each: each.number)]


def _invalid(path: str, problem: str) -> LockError:
    return LockError(f"Interface lock {path}: {problem}")
