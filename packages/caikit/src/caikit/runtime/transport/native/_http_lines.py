"""Requests whose body is read by its worker, line by line, and may still come while the answer leaves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from caikit.runtime.transport._line_feed import LineFeed, Pump, silent
from caikit.runtime.transport.http_messages import HttpAnswer, HttpEndpoint

from ._heads import Head
from ._http_call import AnswerCall, HttpCall, StreamCall, closing

if TYPE_CHECKING:
    from ._http_service import HttpReply, HttpService

_MOST_WAITING = 64 * 1024
"""Bytes that wait for the pump; while there are more, no more of the body comes."""


class BodyMessages:
    """The pieces of a body, for somebody who waits for each."""

    def __init__(self, reply: HttpReply) -> None:
        self.disconnected = False
        self._reply = reply
        self._pieces = bytearray()
        self._complete = False
        self._told_end = False
        self._news = asyncio.Event()

    def push(self, chunk: bytes) -> None:
        self._pieces += chunk
        if len(self._pieces) > _MOST_WAITING:
            self._reply.hold_body(True)
        self._news.set()

    def end(self) -> None:
        self._complete = True
        self._news.set()

    def leave(self) -> None:
        self.disconnected = True
        self._news.set()

    def take(self) -> MutableMapping[str, Any]:
        """What has come."""
        body = bytes(self._pieces)
        self._pieces.clear()
        self._reply.hold_body(False)
        self._told_end = self._complete
        return {"type": "http.request", "body": body, "more_body": not self._complete}

    async def receive(self) -> MutableMapping[str, Any]:
        while not self.disconnected:
            if self._pieces or (self._complete and not self._told_end):
                return self.take()
            self._news.clear()
            await self._news.wait()
        return {"type": "http.disconnect"}


class _Lines(HttpCall):
    """Takes the body to its worker as it comes."""

    def __init__(self, service: HttpService, endpoint: HttpEndpoint, head: Head, reply: HttpReply) -> None:
        super().__init__(service, endpoint, head, reply)
        self._messages = BodyMessages(reply)
        self._pump_in: Pump | None = None
        self._any = False
        self._since = time.monotonic()

    def receive(self, chunk: bytes) -> None:
        if not self._over:
            self._any = True
            self._messages.push(chunk)
            self._begin()

    def complete(self) -> None:
        self._complete = True
        if not self._over:
            self._messages.end()
            self._begin()

    def leave(self) -> None:
        self._messages.leave()
        super().leave()

    def check(self, now: float) -> None:
        limit = self._service.stall_seconds
        if self._pump_in is None and not self._over and limit is not None and now - self._since > limit:
            # No worker waits for a client that has said nothing yet.
            self._end(self._service.application.refuse(silent(limit)))
        super().check(now)

    @property
    def reads_by_itself(self) -> bool:
        return True

    def _be_judged(self) -> None:
        super()._be_judged()
        self._begin()

    def _begin(self) -> None:
        waits = self._verdict is not None or not (self._any or self._complete)
        if waits or self._pump_in is not None or self._over:
            return
        service = self._service
        refusal = service.gate.refusal()
        if refusal is not None:
            self._end(service.application.refuse(refusal))
            return
        feed = LineFeed(
            self._hub,
            self._context.cancel,
            service.gate.bytes_held.open(),
            longest_line=service.max_body_size,
            stall_seconds=service.stall_seconds,
        )
        pump = Pump(self._messages.receive, feed, self._messages.take())
        self._pump_in = pump.start(self._hub.loop, self.leave)
        service.workers.submit(self._work, iter(feed), refuse=self._refuse_overdue)

    def _end(self, answer: HttpAnswer) -> None:
        if not self._over and not (self._pump_in is not None and self._pump_in.complete):
            closing(answer)
        super()._end(answer)

    def _finish(self) -> None:
        super()._finish()
        if self._pump_in is not None:
            self._pump_in.stop()
        self._reply.hold_body(False)

    def _submit(self, body: Any) -> None:
        """A judged request begins like any other."""


class _AnswerToLines(_Lines, AnswerCall):
    pass


class _StreamToLines(_Lines, StreamCall):
    pass


def make_lines_call(service: HttpService, endpoint: HttpEndpoint, head: Head, reply: HttpReply) -> HttpCall:
    return (_StreamToLines if endpoint.streaming else _AnswerToLines)(service, endpoint, head, reply)
