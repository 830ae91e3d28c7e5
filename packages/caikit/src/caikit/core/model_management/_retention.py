"""How long finished jobs stay known."""

from __future__ import annotations

import re
from datetime import timedelta

import alog

from ..exceptions import error_handler

error = error_handler.get(alog.use_channel("RETENTION"))

_DURATION = re.compile(
    r"(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d*\.?\d+)s)?"
)


def parse_retention(text: str | None) -> timedelta | None:
    """`XdXhXmXs` as a duration; None stands for ever."""
    if text is None:
        return None
    error.type_check("<COR63897672E>", str, retention_duration=text)
    match = _DURATION.fullmatch(text)
    if match is None:
        error("<COR63897671E>", ValueError(f"Invalid retention_duration: {text}"))
    return timedelta(**{unit: float(amount) for unit, amount in match.groupdict().items() if amount})
