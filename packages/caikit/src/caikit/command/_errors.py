"""What ends a command, and the code that it exits with."""

from __future__ import annotations

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
PIPE_CLOSED = 141  # 128 + SIGPIPE


class CommandError(Exception):
    """The command failed; the text is one sentence for the person who typed it."""

    code = FAILED


class UsageError(CommandError):
    """What was typed cannot be meant."""

    code = WRONG_USAGE
