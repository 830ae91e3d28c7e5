"""What a command says about settings that cannot be meant; the rest of the log is not shown."""

from __future__ import annotations

import logging

from ._output import warn

_CHANNEL = "CONFIG"


def tell_doubts() -> None:
    """Nothing is changed where somebody has set up a log."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(_Doubts(logging.WARNING))


class _Doubts(logging.Handler):
    """Errors are not told here: they end the command, which says why."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != _CHANNEL or record.levelno != logging.WARNING:
            return
        text = _text(record)
        if text not in self._told:
            self._told.add(text)
            warn(text)


def _text(record: logging.LogRecord) -> str:
    content = record.msg
    if not isinstance(content, dict):
        return record.getMessage()
    # as alog keeps a line that has a code
    text, arguments = str(content["message"]), content.get("args")
    return text % arguments if arguments else text
