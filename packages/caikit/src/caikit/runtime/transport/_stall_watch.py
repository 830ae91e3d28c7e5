"""Gives up calls that wait too long for their clients."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import alog
import grpc

from caikit.runtime.engine import CancelToken, Status
from caikit.runtime.engine.limits import (
    DEFAULT_READ_SECONDS,
    DEFAULT_STALL_SECONDS,
    READ_SECONDS_KEY,
    STALL_SECONDS_KEY,
)

log = alog.use_channel("SERVR-GRPC")

_CHECKS_PER_LIMIT = 4
_LONGEST_PAUSE_SECONDS = 5.0


class _Limit(NamedTuple):
    seconds: float
    reason: str


class _Wait(NamedTuple):
    deadline: float
    servicer: Any  # the stubs of its `cancel` have no types
    token: CancelToken
    reason: str
    gives_way: bool = False
    """It may go on until others are kept waiting by it."""


class StallWatch:
    """Knows which calls wait for their clients, and ends those that do so for too long.

    `grpcio` itself waits for ever. None is no limit.
    """

    def __init__(
        self,
        *,
        read_seconds: float | None = DEFAULT_READ_SECONDS,
        stall_seconds: float | None = DEFAULT_STALL_SECONDS,
    ) -> None:
        self._message = _make_limit("no message came", read_seconds, READ_SECONDS_KEY)
        self._stream = _make_limit("no message came", stall_seconds, STALL_SECONDS_KEY)
        self._reader = _make_limit("its client read nothing", stall_seconds, STALL_SECONDS_KEY)
        # Noting and forgetting a wait are one operation on a dictionary, since every call has one.
        self._waits: dict[object, _Wait] = {}
        self._is_crowded: Callable[[], bool] = bool
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._check, name="caikit_stalls", daemon=True)

    def start(self, is_crowded: Callable[[], bool]) -> None:
        """`is_crowded` tells whether calls wait, or are refused, because of those that run."""
        self._is_crowded = is_crowded
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        if self._thread.ident is not None:
            self._thread.join()

    def read_one(
        self, messages: Iterator[bytes], servicer: grpc.ServicerContext, token: CancelToken
    ) -> bytes | None:
        """The first and only message of a call; None when there is none."""
        return self._read_next(messages, servicer, token, self._message)

    def read(
        self, messages: Iterator[bytes], servicer: grpc.ServicerContext, token: CancelToken
    ) -> Iterator[bytes]:
        """The messages of a call; between two of them its client may pause until others wait for its worker."""
        message = self._read_next(messages, servicer, token, self._stream)
        while message is not None:
            yield message
            message = self._read_next(messages, servicer, token, self._stream, gives_way=True)

    def write(
        self, answers: Iterable[bytes], servicer: grpc.ServicerContext, token: CancelToken
    ) -> Iterator[bytes]:
        """Answers of a call, each of which must be taken in time."""
        limit, waits = self._reader, self._waits
        if limit is None:
            yield from answers
            return
        try:
            for answer in answers:
                waits[servicer] = _Wait(time.monotonic() + limit.seconds, servicer, token, limit.reason)
                yield answer
                del waits[servicer]
        finally:
            waits.pop(servicer, None)

    def _read_next(
        self,
        messages: Iterator[bytes],
        servicer: grpc.ServicerContext,
        token: CancelToken,
        limit: _Limit | None,
        *,
        gives_way: bool = False,
    ) -> bytes | None:
        if limit is None:
            return next(messages, None)
        deadline = time.monotonic() + limit.seconds
        self._waits[messages] = _Wait(deadline, servicer, token, limit.reason, gives_way)
        try:
            return next(messages, None)
        finally:
            del self._waits[messages]

    def _check(self) -> None:
        limits = [limit.seconds for limit in (self._message, self._stream) if limit is not None]
        pause = min([_LONGEST_PAUSE_SECONDS, *(seconds / _CHECKS_PER_LIMIT for seconds in limits)])
        while not self._closed.wait(pause):
            now = time.monotonic()
            for wait in list(self._waits.values()):
                is_due = wait.deadline < now and not wait.token.cancelled
                if is_due and (not wait.gives_way or self._is_crowded()):
                    _give_up(wait)


def _give_up(wait: _Wait) -> None:
    log.warning("<RUN51820335W>", "A call is given up: %s", wait.reason)
    wait.token.cancel(f"given up: {wait.reason}", Status.DEADLINE_EXCEEDED)
    # The status is that of a cancelled call, since only the thread that waits could send another one.
    wait.servicer.cancel()


def _make_limit(problem: str, seconds: float | None, key: str) -> _Limit | None:
    return None if seconds is None else _Limit(seconds, f"{problem} for {seconds:g} seconds ({key})")
