"""Brings the messages of a WebSocket from the event loop to the worker that reads them, no faster than it reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial

from caikit.runtime.engine import CancelToken, RequestError, Status
from caikit.runtime.engine.byte_budget import COUNTED_BYTES

from ._line_feed import Feed, Message, Receive, has_left
from .http_messages import SocketClose, too_large


class MessageFeed(Feed):
    """The messages of one client. The loop offers them, a worker iterates over them; blank ones are left out."""

    async def offer(self, chunk: bytes, is_gone: Callable[[], bool]) -> bool:
        if self._failure is not None:
            return True
        if len(chunk) > COUNTED_BYTES:
            try:
                self._account.take(len(chunk))
            except RequestError as error:
                self.fail(error)
                return True
        return await super().offer(chunk, is_gone)

    def __iter__(self) -> Iterator[bytes]:
        while message := self._next_chunk():
            if not message.isspace():
                yield message
            if len(message) > COUNTED_BYTES:
                self._account.take(-len(message))


class SocketPump:
    """Reads messages into their feed, and notices when the client leaves."""

    def __init__(
        self,
        receive: Receive,
        feed: MessageFeed,
        first: Message,
        token: CancelToken,
        *,
        longest_message: int,
    ) -> None:
        self._receive = receive
        self._feed = feed
        self._first = first
        self._token = token
        self._longest_message = longest_message
        self._task: asyncio.Task[None] | None = None
        self.verdict: SocketClose | None = None
        """Why the server has to leave, not the client."""

    def start(self, loop: asyncio.AbstractEventLoop, on_leave: Callable[[], object]) -> SocketPump:
        self._task = loop.create_task(self._run(on_leave))
        return self

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._feed.close()

    async def _run(self, on_leave: Callable[[], object]) -> None:
        message = self._first
        is_gone = partial(has_left, self._receive)
        while message["type"] == "websocket.receive":
            data = _read(message)
            if len(data) > self._longest_message:
                self.verdict = too_large(self._longest_message)
                break
            if self._feed.complete:
                self._token.cancel(
                    "given up: a message came after the end of the input", Status.INVALID_ARGUMENT
                )
            elif not data:
                self._feed.end()
            elif not await self._feed.offer(data, is_gone):
                break
            message = await self._receive()
        on_leave()


def _read(message: Message) -> bytes:
    text: str | None = message.get("text")
    if text is not None:
        # What is not valid is found where JSON is read.
        return text.encode("utf-8", "surrogatepass")
    data: bytes = message.get("bytes") or b""
    return data
