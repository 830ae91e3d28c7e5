"""Compares JSON values whose texts may hold placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

_PLACEHOLDERS = {
    "<uuid>": r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}",
    "<time>": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z",
    "<base>": r"/[^\s'\"`]*?",
    "<version>": r"[0-9.]+",
    "<class>": r"\w+",
    "<any>": r"[\s\S]*",
}
_PLACEHOLDER = re.compile("|".join(map(re.escape, _PLACEHOLDERS)))


@cache
def _compile(expected: str) -> re.Pattern[str]:
    pieces, start = [], 0
    for match in _PLACEHOLDER.finditer(expected):
        pieces.append(re.escape(expected[start : match.start()]))
        pieces.append(_PLACEHOLDERS[match.group()])
        start = match.end()
    pieces.append(re.escape(expected[start:]))
    return re.compile("".join(pieces))


def matches_text(expected: str, got: str) -> bool:
    return _compile(expected).fullmatch(got) is not None


def differences(expected: Any, got: Any, place: str = "") -> Iterator[str]:
    """One sentence for each place where the values differ."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in expected:
            if key in got:
                yield from differences(expected[key], got[key], f"{place}.{key}")
            else:
                yield f"{place}.{key}: expected {expected[key]!r}, got nothing"
        for key in got.keys() - expected.keys():
            yield f"{place}.{key}: expected nothing, got {got[key]!r}"
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for index, pair in enumerate(zip(expected, got, strict=True)):
            yield from differences(*pair, place=f"{place}[{index}]")
    elif not _equals(expected, got):
        yield f"{place or 'value'}: expected {expected!r}, got {got!r}"


def _equals(expected: Any, got: Any) -> bool:
    if isinstance(expected, str) and isinstance(got, str):
        return matches_text(expected, got)
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if isinstance(expected, float) and isinstance(got, float) and expected != expected:
        return got != got
    return bool(expected == got)
