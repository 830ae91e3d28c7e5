"""Sections of the configuration, checked."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import alog

__all__ = ["warn_of_unknown_keys"]

log = alog.use_channel("TGCONF")


def warn_of_unknown_keys(section: str, config: Mapping[str, Any], known: Sequence[str]) -> None:
    """Tell which keys nothing reads, and what may be meant."""
    for key in config:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            log.warning("<TGB41582903W>", "%s has a key that nothing reads: %s; %s", section, key, hint)
