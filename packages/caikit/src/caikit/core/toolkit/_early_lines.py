"""Lines that are logged before it is known in what form."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def early_lines_kept() -> Iterator[None]:
    """What is logged inside is told at the end, in the form that was set up meanwhile; nothing is lost on failure."""
    root = logging.getLogger()
    if root.handlers:
        yield
        return
    keeper = _Keeper()
    root.addHandler(keeper)
    try:
        yield
    finally:
        root.removeHandler(keeper)
        for record in keeper.records:
            logger = logging.getLogger(record.name)
            if logger.isEnabledFor(record.levelno):
                logger.handle(record)


class _Keeper(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
