"""WebSockets over ASGI: shakes hands, takes messages to a worker, and what it says back to the client."""

from __future__ import annotations

import asyncio
import contextlib

from caikit.runtime.engine import Gate, RequestContext, RequestError, Status, WorkerPool

from ._asgi_access import find_refusal
from ._asgi_jobs import broken, run_socket, stopped
from ._asgi_scope import Message, Receive, Send, make_context, read_scope, returning_id
from ._hand_over import HandOver
from ._line_feed import silent
from ._loop_bridge import LoopBridge
from ._message_feed import MessageFeed, SocketPump
from .http_messages import RESTARTING, HttpAnswer, HttpApplication, SocketClose, SocketEndpoint

_WAKE_SECONDS = 60.0


class AsgiSockets:
    """Serves the WebSockets of one application."""

    def __init__(
        self,
        application: HttpApplication,
        *,
        workers: WorkerPool,
        gate: Gate,
        max_message_size: int,
        stall_seconds: float | None,
    ) -> None:
        self._application = application
        self._workers = workers
        self._gate = gate
        self._max_message_size = max_message_size
        self._stall_seconds = stall_seconds

    async def serve(self, bridge: LoopBridge, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one handshake and what follows."""
        # ASGI servers raise OSError when there is nobody to send to.
        with contextlib.suppress(OSError):
            await self._serve(bridge, scope, receive, returning_id(scope, send))

    async def _serve(self, bridge: LoopBridge, scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        request, _ = read_scope(scope)
        endpoint = self._application.sockets.get(request.path)
        if endpoint is None:
            await _decline(scope, send, self._application.missing(request))
            return
        refusal = await self._find_refusal(endpoint, scope)
        if refusal is not None:
            await _decline(scope, send, self._application.refuse(refusal))
            return
        await send({"type": "websocket.accept", "headers": []})
        talk = _Talk(self._application, send)
        try:
            await self._begin(bridge, endpoint, scope, receive, talk)
        except asyncio.CancelledError:
            # The server waits no longer.
            await talk.close(RESTARTING)

    async def _find_refusal(self, endpoint: SocketEndpoint, scope: Message) -> RequestError | None:
        try:
            refusal = None if endpoint.guard is None else await find_refusal(endpoint.guard, scope)
        except asyncio.CancelledError:
            refusal = stopped()
        return refusal or self._gate.refusal()

    async def _begin(
        self, bridge: LoopBridge, endpoint: SocketEndpoint, scope: Message, receive: Receive, talk: _Talk
    ) -> None:
        try:
            # No worker waits for a client that has said nothing yet.
            first = await asyncio.wait_for(receive(), self._stall_seconds)
        except asyncio.TimeoutError:
            await talk.refuse(silent(self._stall_seconds))
            return
        if first["type"] != "websocket.receive":
            return
        refusal = self._gate.refusal()
        if refusal is not None:
            await talk.refuse(refusal)
            return
        context = make_context(scope)
        feed = MessageFeed(
            bridge, context.cancel, self._gate.bytes_held.open(), stall_seconds=self._stall_seconds
        )
        pump = SocketPump(receive, feed, first, context.cancel, longest_message=self._max_message_size)
        await self._talk(bridge, endpoint, context, feed, pump, talk)

    async def _talk(
        self,
        bridge: LoopBridge,
        endpoint: SocketEndpoint,
        context: RequestContext,
        feed: MessageFeed,
        pump: SocketPump,
        talk: _Talk,
    ) -> None:
        line: HandOver[bytes | SocketClose] = HandOver(bridge, stall_seconds=self._stall_seconds)

        def leave() -> None:
            context.cancel.cancel()
            line.close()

        self._workers.submit(run_socket, line, endpoint, context, iter(feed), refuse=self._refuse_overdue)
        pump.start(bridge.loop, leave)
        try:
            while (items := await line.receive(_WAKE_SECONDS)) is not None:
                for item in items:
                    await talk.say(item)
            if pump.verdict is not None:
                await talk.close(pump.verdict)
            elif line.failed:
                await talk.refuse(broken())
        except asyncio.CancelledError:
            context.cancel.cancel("stopped with the server", Status.UNAVAILABLE)
            raise
        finally:
            # In this order: a feed that is closed does not hear of it, and its worker would go on waiting.
            leave()
            pump.stop()

    def _refuse_overdue(self, line: HandOver[bytes | SocketClose], *unserved: object) -> None:
        """In place of `run_socket`, after a long wait for a worker."""
        for item in self._application.refuse_socket(self._gate.overdue()):
            line.put(item)
        line.finish()


class _Talk:
    """The server's side of a conversation."""

    def __init__(self, application: HttpApplication, send: Send) -> None:
        self._application = application
        self._send = send
        self._closed = False

    async def say(self, item: bytes | SocketClose) -> None:
        if isinstance(item, SocketClose):
            await self.close(item)
        elif not self._closed:
            await self._send({"type": "websocket.send", "text": item.decode()})

    async def refuse(self, error: RequestError) -> None:
        for item in self._application.refuse_socket(error):
            await self.say(item)

    async def close(self, close: SocketClose) -> None:
        if not self._closed:
            self._closed = True
            await self._send({"type": "websocket.close", "code": close.code, "reason": close.reason})


async def _decline(scope: Message, send: Send, answer: HttpAnswer) -> None:
    """Answer a handshake with what is no WebSocket."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close"})
        return
    headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "websocket.http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": answer.body})
