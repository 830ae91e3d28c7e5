"""Parsing JSON text, and the errors of JSON input."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

Location = tuple["str | int", ...]

MOST_ISSUES = 100
_MOST_SENTENCES = 5
_LONGEST_SENTENCE = 500


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong with an input; type and message are in the vocabulary of pydantic."""

    type: str
    loc: Location
    msg: str
    input: Any
    ctx: dict[str, Any] | None = None

    @property
    def also(self) -> str:
        """What else would be right, beside what the message says."""
        names = (self.ctx or {}).get("names")
        return f" ({names})" if names else ""


class JsonInputError(ValueError):
    """JSON input that does not fit; `issues` says what is wrong and where, for at most `MOST_ISSUES` places."""

    def __init__(self, issues: list[Issue]) -> None:
        self.issues = issues[:MOST_ISSUES]
        super().__init__(_summary(self.issues))


def _summary(issues: list[Issue]) -> str:
    sentences = [_shortened(_sentence(issue)) for issue in issues[:_MOST_SENTENCES]]
    more = len(issues) - _MOST_SENTENCES
    if more > 0:
        sentences.append(f"and {'at least ' if len(issues) >= MOST_ISSUES else ''}{more} more")
    return "; ".join(sentences)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SENTENCE else f"{text[:_LONGEST_SENTENCE]}..."


def _sentence(issue: Issue) -> str:
    place = ".".join(str(part) for part in issue.loc)
    return f"{issue.msg} at {place}{issue.also}" if place else issue.msg + issue.also


class RefusedError(ValueError):
    """A value that a reader does not accept; `issues` if it knows the places inside the value."""

    def __init__(
        self, type_: str, msg: str, ctx: dict[str, Any] | None = None, issues: Sequence[Issue] = ()
    ) -> None:
        super().__init__(msg)
        self.type = type_
        self.msg = msg
        self.ctx = ctx
        self.issues = issues


_decode = msgspec.json.Decoder().decode


def parse_json(data: bytes | str) -> Any:
    """The value of JSON text; JsonInputError of type `json_invalid` for everything that is no JSON."""
    try:
        return _decode(data)
    except RecursionError:
        raise _invalid(data, "recursion limit exceeded") from None
    except (msgspec.DecodeError, UnicodeError):
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
    except ValueError:  # Python refuses to read integers of thousands of digits
        raise _invalid(text, "number out of range") from None


def _where(error: json.JSONDecodeError, text: str) -> str:
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        line = text.count("\n") + 1
        column = len(text) - text.rfind("\n") - 1
        return f"EOF while parsing a value at line {line} column {column}"
    return f"{error.msg[:1].lower()}{error.msg[1:]} at line {error.lineno} column {error.colno}"


def _invalid(data: bytes | str, reason: str) -> JsonInputError:
    shown = data if isinstance(data, str) else bytes(data).decode("utf-8", "replace")
    return JsonInputError([Issue("json_invalid", (), f"Invalid JSON: {reason}", shown, {"error": reason})])
