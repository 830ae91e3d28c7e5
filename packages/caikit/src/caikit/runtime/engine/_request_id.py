"""Ids of requests: given by clients, or made here."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Mapping

REQUEST_ID_HEADER = "x-request-id"
TRACE_HEADER = "traceparent"

_LONGEST = 128
_TRACE = re.compile("(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


def find_request_id(headers: Mapping[str, str]) -> str | None:
    """The id that the client gave, if it is one that can be logged and sent back."""
    given = headers.get(REQUEST_ID_HEADER)
    if given is not None and 0 < len(given) <= _LONGEST and given.isascii() and given.isprintable():
        return given
    trace = headers.get(TRACE_HEADER)
    found = None if trace is None or len(trace) > _LONGEST else _TRACE.fullmatch(trace)
    return None if found is None else found[1]


class _Numbers:
    """Ids that begin with the same random digits, as long as the process is the same."""

    def __init__(self) -> None:
        self._process = 0
        self._start = ""
        self._count = itertools.count()

    def make(self) -> str:
        process = os.getpid()
        if process != self._process:
            # A forked process must not repeat the ids of its parent.
            self._start, self._process = os.urandom(10).hex(), process
        return f"{self._start}{next(self._count):012x}"


make_request_id = _Numbers().make
"""A new id of 32 hexadecimal digits."""


def choose_request_id(headers: Mapping[str, str]) -> str:
    """The id that the client gave, or a new one."""
    return find_request_id(headers) or make_request_id()
