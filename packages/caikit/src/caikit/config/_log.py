"""The log channel of the configuration, made when there is something to say."""

from __future__ import annotations

import logging

__all__ = ["log"]


def log() -> logging.Logger:
    import alog

    channel: logging.Logger = alog.use_channel("CONFIG")
    return channel
