"""Brings a body that comes line by line from the event loop to the worker that reads it, no faster than it reads."""

from __future__ import annotations

import asyncio
import contextlib
import queue
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from functools import partial
from typing import Any

from caikit.runtime.engine import CancelToken, Reason, RequestError, Status
from caikit.runtime.engine.byte_budget import COUNTED_BYTES, Account
from caikit.runtime.engine.limits import STALL_SECONDS_KEY

from ._loop_bridge import LoopBridge
from .http_messages import BODY_LIMIT_KEY

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

_MOST_WAITING = 256 * 1024
"""Bytes that wait for the worker; while there are more, nothing is read from the connection."""

_LOOK_SECONDS = 0.5
_END = b""


def silent(seconds: float | None) -> RequestError:
    return RequestError(
        Status.DEADLINE_EXCEEDED,
        f"The client sent nothing for {seconds or 0:g} seconds ({STALL_SECONDS_KEY})",
        reason=Reason.TOO_SLOW,
    )


class Feed:
    """The pieces of what one client sends. The loop offers them, a worker takes them."""

    def __init__(
        self, bridge: LoopBridge, token: CancelToken, account: Account, *, stall_seconds: float | None
    ) -> None:
        """A client that sends nothing for `stall_seconds`, nothing blank either, is given up."""
        self._bridge = bridge
        self._stall_seconds = stall_seconds
        self._token = token
        self._account = account
        # None wakes a worker whose request was cancelled or failed.
        self._chunks: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        # Each of the two sides counts for itself.
        self._offered = self._taken = 0
        self._paused = False
        self._room = asyncio.Event()
        self._failure: RequestError | None = None
        self.complete = False
        self._remove = token.on_cancel(lambda: self._chunks.put(None))

    # The loop's side

    async def offer(self, chunk: bytes, is_gone: Callable[[], bool]) -> bool:
        """Hand a chunk over and wait until there is room for more; False if the client has gone meanwhile."""
        if chunk:
            self._offered += len(chunk)
            self._chunks.put(chunk)
        while self._is_full():
            self._room.clear()
            self._paused = True
            # It may have been emptied before it was seen that we wait.
            if self._is_full():
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._room.wait(), _LOOK_SECONDS)
            self._paused = False
            if is_gone():
                return False
        return True

    def _is_full(self) -> bool:
        return self._offered - self._taken > _MOST_WAITING

    def fail(self, error: RequestError) -> None:
        """Let the worker end with an error."""
        self._failure = error
        self._chunks.put(None)

    def end(self) -> None:
        self.complete = True
        self._chunks.put(_END)

    def close(self) -> None:
        self._remove()
        self._account.close()

    # The worker's side

    def _next_chunk(self) -> bytes:
        try:
            chunk = self._chunks.get(timeout=self._stall_seconds)
        except queue.Empty:
            raise silent(self._stall_seconds) from None
        self._token.raise_if_cancelled()
        if chunk:
            self._taken += len(chunk)
            if self._paused and not self._is_full():
                self._bridge.call(self._room.set)
        elif chunk is None and self._failure is not None:
            raise self._failure
        return chunk or _END


class LineFeed(Feed):
    """The lines of one body. The loop offers chunks, a worker iterates over lines; blank ones are left out."""

    def __init__(
        self,
        bridge: LoopBridge,
        token: CancelToken,
        account: Account,
        *,
        longest_line: int,
        stall_seconds: float | None,
    ) -> None:
        super().__init__(bridge, token, account, stall_seconds=stall_seconds)
        self._longest_line = longest_line

    def __iter__(self) -> Iterator[bytes]:
        pieces: list[bytes] = []
        size = 0
        while chunk := self._next_chunk():
            *lines, rest = chunk.split(b"\n")
            for line in lines:
                pieces.append(line)
                whole = b"".join(pieces)
                pieces, size = [], self._forget(size)
                self._check(len(whole))
                if whole.strip():
                    yield whole
            if rest:
                pieces.append(rest)
                size = self._count(size, len(rest))
        whole = b"".join(pieces)
        self._forget(size)
        if whole.strip():
            yield whole

    def _count(self, size: int, more: int) -> int:
        """The length of a line that is not complete; a long one is memory that counts."""
        self._check(size + more)
        if size + more > COUNTED_BYTES:
            self._account.take(more)
        return size + more

    def _forget(self, size: int) -> int:
        if size > COUNTED_BYTES:
            self._account.give_back()
        return 0

    def _check(self, size: int) -> None:
        if size > self._longest_line:
            raise RequestError(
                Status.INVALID_ARGUMENT,
                f"A line of the body is longer than {self._longest_line} bytes ({BODY_LIMIT_KEY})",
            )


class Pump:
    """Reads a body into its feed, and notices when the client leaves."""

    def __init__(self, receive: Receive, feed: LineFeed, first: Message) -> None:
        self._receive = receive
        self._feed = feed
        self._first = first
        self._task: asyncio.Task[None] | None = None

    @property
    def complete(self) -> bool:
        """The whole body has come."""
        return self._feed.complete

    def start(self, loop: asyncio.AbstractEventLoop, on_leave: Callable[[], object]) -> Pump:
        self._task = loop.create_task(self._run(on_leave))
        return self

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._feed.close()

    async def _run(self, on_leave: Callable[[], object]) -> None:
        message = self._first
        is_gone = partial(has_left, self._receive)
        while message["type"] == "http.request":
            if not await self._feed.offer(message.get("body", b""), is_gone):
                break
            if not message.get("more_body", False) and not self._feed.complete:
                self._feed.end()
            message = await self._receive()
        on_leave()


def has_left(receive: Receive) -> bool:
    """While nothing is read, only the server knows whether the connection is still there."""
    cycle = getattr(receive, "__self__", None)
    return bool(getattr(cycle, "disconnected", False))
