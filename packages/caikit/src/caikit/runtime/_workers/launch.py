"""Command lines of worker processes."""

from __future__ import annotations

import sys
from collections.abc import Sequence

_WITH_VALUE = "WX"
_LAST = "mc"
_LONG_WITH_VALUE = "--check-hash-based-pycs"


def worker_command(descriptor: int) -> list[str]:
    """A worker with the options of this Python; it finds its line to the supervisor at a file descriptor."""
    options = interpreter_options(sys.orig_argv)
    return [sys.executable, *options, "-m", "caikit.runtime._workers.worker", str(descriptor)]


def interpreter_options(command: Sequence[str]) -> list[str]:
    """The options of Python itself at the beginning of a command line."""
    options = []
    rest = iter(command[1:])
    for argument in rest:
        if argument.startswith("--"):
            options.append(argument)
            if argument == _LONG_WITH_VALUE:
                options += [next(rest, "")]
            continue
        if not argument.startswith("-") or argument == "-":
            break
        flags, ending = _split(argument[1:])
        if ending[:1] in _LAST and ending:
            return [*options, f"-{flags}"] if flags else options
        options.append(argument)
        if ending and len(ending) == 1:
            options += [next(rest, "")]
    return options


def _split(flags: str) -> tuple[str, str]:
    """Flags without a value, and the one that has one, together with what follows."""
    for index, flag in enumerate(flags):
        if flag in _WITH_VALUE + _LAST:
            return flags[:index], flags[index:]
    return flags, ""
