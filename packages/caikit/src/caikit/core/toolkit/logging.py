"""Logging as the configuration says; for programs, not for libraries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import alog

from ...config import get_config
from ._early_lines import early_lines_kept
from ._request_log import RequestJsonFormatter, RequestPrettyFormatter

__all__ = ["configure"]


def configure(*, process_id: bool = False) -> None:
    """Set up the logging of this process from the section `log` of the configuration.

    `process_id` puts that of the process into each line, for programs whose processes log to one place.
    A formatter that is not "json" or "pretty" and a `channel_width` that is no number are a ValueError; a level or
    filter that does not exist is logged as a warning, and not used.
    """
    with early_lines_kept():
        _configure(get_config().log, process_id)


def _configure(settings: Any, process_id: bool) -> None:
    formatter = settings.formatter
    if formatter == "pretty":
        width = _whole_number("log.channel_width", settings.channel_width)
        formatter = RequestPrettyFormatter(width, process_id=process_id)
    elif formatter == "json":
        formatter = RequestJsonFormatter(process_id=process_id)
    elif isinstance(formatter, str):
        raise ValueError(f"expected json or pretty as log.formatter, got {formatter!r}")
    alog.configure(
        default_level=_level(settings.level),
        filters=_filters(settings.filters),
        formatter=formatter,
        thread_id=settings.thread_id,
    )


def _level(value: Any) -> str:
    # an unquoted `off` is False in YAML
    return "off" if value is False else str(value or "info").lower()


def _filters(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {channel: _level(level) for channel, level in value.items()}
    return value or ""


def _whole_number(key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"expected a whole number as {key}, got {value!r}")
    return value
