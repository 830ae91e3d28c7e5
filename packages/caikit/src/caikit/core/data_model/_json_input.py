"""Parsing JSON text, and the errors of JSON input."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import msgspec

Location = tuple["str | int", ...]


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong with an input; type and message are in the vocabulary of pydantic."""

    type: str
    loc: Location
    msg: str
    input: Any
    ctx: dict[str, Any] | None = None


class JsonInputError(ValueError):
    """JSON input that does not fit; `issues` says what is wrong and where."""

    def __init__(self, issues: list[Issue]) -> None:
        self.issues = issues
        super().__init__("; ".join(_sentence(issue) for issue in issues))


def _sentence(issue: Issue) -> str:
    place = ".".join(str(part) for part in issue.loc)
    return f"{issue.msg} at {place}" if place else issue.msg


class RefusedError(ValueError):
    """A value that a reader does not accept."""

    def __init__(self, type_: str, msg: str, ctx: dict[str, Any] | None = None) -> None:
        super().__init__(msg)
        self.type = type_
        self.msg = msg
        self.ctx = ctx


_decode = msgspec.json.Decoder().decode


def parse_json(data: bytes | str) -> Any:
    """The value of JSON text; JsonInputError of type `json_invalid` for everything that is no JSON."""
    try:
        return _decode(data)
    except RecursionError:
        raise _invalid(data, "recursion limit exceeded") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _parse_slowly(data)


def _parse_slowly(data: bytes | str) -> Any:
    """Accept what Python's own parser accepts, and say exactly what is wrong with the rest."""
    try:
        text = data if isinstance(data, str) else bytes(data).decode("utf-8")
        text.encode("utf-8")
    except UnicodeError:
        raise _invalid(data, "invalid unicode code point") from None
    try:
        value = json.loads(text)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        return value
    except UnicodeEncodeError:
        raise _invalid(text, "lone surrogate in a string") from None
    except RecursionError:
        raise _invalid(text, "recursion limit exceeded") from None
    except json.JSONDecodeError as error:
        raise _invalid(text, _where(error, text)) from None
    except ValueError as error:
        raise _invalid(text, str(error)) from None


def _where(error: json.JSONDecodeError, text: str) -> str:
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        line = text.count("\n") + 1
        column = len(text) - text.rfind("\n") - 1
        return f"EOF while parsing a value at line {line} column {column}"
    return f"{error.msg[:1].lower()}{error.msg[1:]} at line {error.lineno} column {error.colno}"


def _invalid(data: bytes | str, reason: str) -> JsonInputError:
    shown = data if isinstance(data, str) else bytes(data).decode("utf-8", "replace")
    return JsonInputError([Issue("json_invalid", (), f"Invalid JSON: {reason}", shown, {"error": reason})])
