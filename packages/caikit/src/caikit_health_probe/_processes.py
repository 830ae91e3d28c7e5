"""Looks for the process of the runtime."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

RUNTIME = "caikit.runtime"
_SERVERS = (RUNTIME, f"{RUNTIME}.grpc_server", f"{RUNTIME}.http_server", f"{RUNTIME}.__main__")
_SCRIPT = "caikit-runtime"
_OPTIONS_WITH_VALUE = ("-W", "-X", "--check-hash-based-pycs")
_PROC = Path("/proc")


def process_exists(identifier: str) -> bool:
    """Whether another process of this Python is one of our servers, or has an identifier of one's own in an argument."""
    for arguments in _other_processes():
        if identifier == RUNTIME:
            if _is_server(arguments):
                return True
        elif any(identifier in argument for argument in arguments[1:]):
            return True
    return False


def _is_server(arguments: list[str]) -> bool:
    """Whether a command line starts a server; that it mentions one somewhere is not enough."""
    rest = iter(arguments[1:])
    for argument in rest:
        if argument in _OPTIONS_WITH_VALUE:
            next(rest, None)
        elif argument == "-m" or (argument.startswith("-m") and argument[2:] in _SERVERS):
            return (argument[2:] or next(rest, "")) in _SERVERS
        elif argument == "-c":
            return False
        elif not argument.startswith("-"):
            path = Path(argument)
            return path.name == _SCRIPT or path.parts[-3:-1] == ("caikit", "runtime")
    return False


def _other_processes() -> Iterator[list[str]]:
    """Command lines of the other processes that run this Python."""
    if not (_PROC / "self" / "cmdline").exists():
        yield from _listed_processes()
        return
    this = (_PROC / "self" / "exe").readlink()
    for folder in _PROC.iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            if (folder / "exe").readlink() != this:
                continue
            text = (folder / "cmdline").read_bytes()
        except OSError:  # ended meanwhile, or somebody else's
            continue
        yield os.fsdecode(text).rstrip("\0").split("\0")


def _listed_processes() -> Iterator[list[str]]:
    """Where the system has no folder of processes."""
    command = ["ps", "-axww", "-o", "pid=,command="]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - fixed words
    name = os.path.basename(os.path.realpath(sys.executable)).lower()
    for line in listing.splitlines():
        pid, *arguments = line.split()
        if arguments and int(pid) != os.getpid() and os.path.basename(arguments[0]).lower() == name:
            yield arguments
