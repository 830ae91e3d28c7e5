"""The bounded line between a worker that makes a stream and the event loop that sends it."""

from __future__ import annotations

import contextlib
import queue
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Any, Generic, TypeVar

from caikit.runtime.engine import RequestContext, Status
from caikit.runtime.engine.limits import STALL_SECONDS_KEY

from ._loop_bridge import LoopBridge

Item = TypeVar("Item")

MOST_ITEMS = 16
MOST_SMALL_ITEMS = 256
_SMALL_BYTES = 16 * 1024
"""So many bytes may wait in more than MOST_ITEMS items."""


class OutLine(Generic[Item]):
    """Holds a few items; the producer waits for room and learns when nobody reads any more."""

    def __init__(
        self, bridge: LoopBridge, on_ready: Callable[[], object], *, stall_seconds: float | None
    ) -> None:
        """`on_ready` is called in the loop when there is something to take, or the end has come."""
        self._bridge = bridge
        self._on_ready = on_ready
        self._stall_seconds = stall_seconds
        # Both sides use it at the same time; its operations are atomic.
        self._items: deque[Item] = deque()
        self._room: queue.SimpleQueue[None] = queue.SimpleQueue()
        # Each side counts the bytes for itself; what is put meanwhile counts for the next time.
        self._put = self._taken = 0
        self._full = False
        self._told = False
        self._closed = False
        self._finished = False
        self.stalled = False

    # The producer's side, in a worker

    def put(self, item: Item) -> bool:
        """Hand an item over, waiting for room; False when the reader has gone or takes nothing for too long."""
        while not self._has_room() and not self._closed:
            self._full = True
            # It may have been emptied before it was seen that we wait.
            if self._has_room():
                break
            try:
                self._room.get(timeout=self._stall_seconds)
            except queue.Empty:
                self.stalled = True
                return False
        if self._closed:
            return False
        self._items.append(item)
        if isinstance(item, bytes):
            self._put += len(item)
        self._tell()
        return True

    def _has_room(self) -> bool:
        waiting = len(self._items)
        if waiting < MOST_ITEMS:
            return True
        return waiting < MOST_SMALL_ITEMS and self._put - self._taken < _SMALL_BYTES

    def finish(self) -> None:
        """There are no more items."""
        self._finished = True
        self._tell()

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            self._bridge.call(self._be_told)

    # The reader's side, in the event loop

    @property
    def ended(self) -> bool:
        return self._finished and not self._items

    def take(self) -> list[Item]:
        """All items that are ready."""
        items = []
        while self._items:
            items.append(self._items.popleft())
        self._taken = self._put
        if self._full:
            self._full = False
            self._room.put(None)
        return items

    def close(self) -> None:
        """Nobody reads any more: free the producer."""
        self._closed = True
        # The reader holds the line; it need not wait for the garbage collector.
        self._on_ready = _do_nothing
        self._room.put(None)

    def _be_told(self) -> None:
        self._told = False
        self._on_ready()


def _do_nothing() -> None:
    pass


def produce(
    line: OutLine[Any],
    items: Generator[Any, None, None] | Iterator[Any],
    context: RequestContext,
    *,
    prepare: Callable[[Any], Any] | None = None,
) -> None:
    """In a worker: hand over what is made, as fast as its reader takes it; exceptions of the source pass."""
    with contextlib.closing(_closable(items)) as source:
        for item in source:
            if not line.put(item if prepare is None else prepare(item)):
                if line.stalled:
                    context.cancel.cancel(
                        f"given up: its client reads nothing ({STALL_SECONDS_KEY})", Status.DEADLINE_EXCEEDED
                    )
                return


def _closable(items: Any) -> Any:
    return items if hasattr(items, "close") else (item for item in items)
