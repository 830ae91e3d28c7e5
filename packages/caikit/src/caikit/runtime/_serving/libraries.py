"""Importing the configured libraries at the start of a program."""

from __future__ import annotations

import sys

import alog

from caikit.config import get_config
from caikit.runtime.utils.import_util import clean_lib_names, get_dynamic_module

from .start_failures import describe

__all__ = ["import_libraries"]

log = alog.use_channel("COM-LIB-INIT")

_KEY = "runtime.library"


def import_libraries() -> None:
    """Import what the configuration names, or end the program with one sentence that says what is wrong."""
    for name in clean_lib_names(get_config().runtime.library):
        try:
            get_dynamic_module(name)
        except Exception as error:
            log.error("<RUN11997773E>", "Library '%s' (%s) cannot be served: %s", name, _KEY, _cause(error))
            log.debug("<RUN11997774D>", "This is how it came", exc_info=error)
            sys.exit(1)


def _cause(error: Exception) -> str:
    if isinstance(error.__cause__, ModuleNotFoundError):
        return f"there is no module of that name ({error.__cause__})"
    return describe(error, without=__file__)
