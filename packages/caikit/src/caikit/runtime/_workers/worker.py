"""A worker process: takes its seat, builds the servers, serves when it may."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
from typing import Any

from .channel import Channel

_PR_SET_PDEATHSIG = 1


def main() -> None:
    channel = Channel(int(sys.argv[1]))
    seat = channel.receive()
    if seat is None:
        return
    _end_with(seat["supervisor"])
    sys.path[:] = seat["path"]
    # What is doubtful in the configuration the supervisor has told.
    logging.getLogger().addHandler(logging.NullHandler())
    # From here on the search path is that of the program.
    from ._serving import serve

    serve(channel, seat)


def _end_with(supervisor: int) -> None:
    """Let the system kill this process when the supervisor is killed: nobody would end it then."""
    prctl: Any = ctypes.CDLL(None, use_errno=True).prctl
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        os._exit(1)


if __name__ == "__main__":
    main()
