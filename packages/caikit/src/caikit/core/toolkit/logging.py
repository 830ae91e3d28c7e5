"""Logging as the configuration says; for programs, not for libraries."""

from __future__ import annotations

import alog

from ...config import get_config

__all__ = ["configure"]


def configure() -> None:
    """Set up the logging of this process from the section `log` of the configuration."""
    settings = get_config().log
    formatter = settings.formatter
    if formatter == "pretty":
        formatter = alog.AlogPrettyFormatter(settings.channel_width)
    alog.configure(
        default_level=settings.level,
        filters=settings.filters,
        formatter=formatter,
        thread_id=settings.thread_id,
    )
