"""One worker process, as the supervisor sees it."""

from __future__ import annotations

import enum
import signal
import socket
import subprocess
import time
from collections.abc import Iterator

from .channel import Mailbox, Message
from .launch import worker_command

# How long a worker may live that cannot be talked to.
_MUTE_SECONDS = 10.0


class Phase(enum.Enum):
    STARTING = "starting"
    JOINED = "has its models, gets what the others are told"
    PREPARED = "may listen"
    SERVING = "serving"
    LEAVING = "leaving"


class Member:
    def __init__(self, number: int, seat: Message) -> None:
        self.number = number
        self.phase = Phase.STARTING
        self.started_at = time.monotonic()
        self.serving_since: float | None = None
        self.loading = 0
        """How many of the models that were there at the start this worker still loads."""
        self.kill_at: float | None = None
        """When it is killed, unless it has ended by then; set when it cannot be talked to any more."""
        self.last_beat: float | None = None
        """When it gave its last sign of life; None before the first."""
        self.reason: str | None = None
        """Why it could not start, in its own words."""
        self._is_silent = False
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603 - the same Python
                    worker_command(theirs.fileno()),
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                )
        except BaseException:
            ours.close()
            raise
        self._mailbox = Mailbox(ours)
        self.send({"type": "seat", "number": number, **seat})

    @property
    def pid(self) -> int:
        return self._process.pid

    def fileno(self) -> int:
        return self._mailbox.fileno()

    @property
    def has_unsent(self) -> bool:
        return self._mailbox.has_unsent

    @property
    def is_broken(self) -> bool:
        return self.kill_at is not None

    def kill_if_due(self, now: float) -> None:
        if self.kill_at is not None and now >= self.kill_at:
            self.kill_at = now + _MUTE_SECONDS
            self.kill()

    def falls_silent(self, now: float, patience: float) -> bool:
        """True once, when there was no sign of life for too long."""
        if self._is_silent or self.last_beat is None or now - self.last_beat < patience:
            return False
        self._is_silent = True
        return True

    def next_judgement(self, patience: float) -> float | None:
        """When it is time to see whether it still lives."""
        return None if self._is_silent or self.last_beat is None else self.last_beat + patience

    def _break(self) -> None:
        # One that is about to end closes its line a moment earlier, and what it does last is worth something.
        if self.kill_at is None:
            self.kill_at = time.monotonic() + _MUTE_SECONDS

    def send(self, message: Message) -> None:
        if not self.is_broken:
            try:
                self._mailbox.send(message)
            except EOFError:
                self._break()

    def flush(self) -> None:
        try:
            self._mailbox.flush()
        except EOFError:
            self._break()

    def receive(self) -> Iterator[Message]:
        try:
            yield from self._mailbox.receive()
        except EOFError:
            self._break()

    def serves(self) -> None:
        self.phase = Phase.SERVING
        self.serving_since = time.monotonic()

    @property
    def seconds_served(self) -> float:
        return 0.0 if self.serving_since is None else time.monotonic() - self.serving_since

    def leave(self, *, at_once: bool = False) -> None:
        """End after what runs, or without it."""
        if self.phase is Phase.STARTING:
            self._process.terminate()
        self.phase = Phase.LEAVING
        self.send({"type": "force" if at_once else "stop"})

    def kill(self) -> None:
        self._process.kill()

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def exit_code(self) -> int:
        """Negative for a signal."""
        return self._process.returncode

    @property
    def cause(self) -> str:
        """What has ended it."""
        if self._is_silent:
            return "killed because it gave no sign of life"
        code = self.exit_code
        if code >= 0:
            return f"exit code {code}: {self.reason}" if self.reason else f"exit code {code}"
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        hint = ", which the system sends when memory runs out" if name == "SIGKILL" else ""
        return f"killed by {name}{hint}"

    def close(self) -> None:
        self._mailbox.close()
