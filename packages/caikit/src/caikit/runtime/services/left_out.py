"""What of a library does not become part of its services, for those who want to know all of it at once."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import alog

__all__ = ["left_out", "log_text"]

# Told as advice: nothing is left out.
_ADVICE = ("<RUN35134050W>", "<RUN35134057W>")


@contextlib.contextmanager
def left_out() -> Iterator[list[str]]:
    """A list that fills up while services are built, one line per parameter, module or RPC."""
    log: Any = alog.use_channel("SERVICES")
    collector, level = _Collector(), log.level
    log.addHandler(collector)
    log.setLevel(logging.DEBUG)
    try:
        yield collector.lines
    finally:
        log.setLevel(level)
        log.removeHandler(collector)


def log_text(record: logging.LogRecord) -> str:
    """What a log record says, without its code."""
    content: Any = record.msg
    if not isinstance(content, dict):
        return record.getMessage()
    text = str(content["message"])
    return text % content["args"] if content.get("args") else text


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        content: Any = record.msg
        if isinstance(content, dict) and content.get("log_code") not in _ADVICE:
            line = log_text(record)
            if line not in self.lines:
                self.lines.append(line)
