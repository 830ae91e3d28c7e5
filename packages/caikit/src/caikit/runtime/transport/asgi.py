"""HTTP over ASGI: reads bodies, hands requests to workers, notices clients that leave."""

from __future__ import annotations

import asyncio

from caikit.runtime.engine import Gate, RequestContext, RequestError, Status, WorkerPool

from ._asgi_jobs import broken, run, run_stream
from ._asgi_scope import Message, Receive, Send, Watch, make_context, read_scope
from ._hand_over import HandOver
from ._loop_bridge import LoopBridge
from .http_messages import (
    BODY_LIMIT_KEY,
    DEFAULT_BODY_LIMIT,
    HeaderList,
    HttpAnswer,
    HttpApplication,
    HttpEndpoint,
    HttpRequest,
)

__all__ = ["AsgiApp"]


_KEEP_ALIVE_SECONDS = 15.0


class AsgiApp:
    """An ASGI application: one path look-up, one hop to a worker per request."""

    def __init__(
        self,
        application: HttpApplication,
        *,
        workers: WorkerPool,
        gate: Gate,
        max_body_size: int = DEFAULT_BODY_LIMIT,
    ) -> None:
        self._application = application
        self._endpoints = application.endpoints
        self._workers = workers
        self._gate = gate
        self._max_body_size = max_body_size
        self._bridge: LoopBridge | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                await self._serve(scope, receive, send)
            case "lifespan":
                await _live(receive, send)
            case "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1000})

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        request, length = read_scope(scope)
        endpoint = self._endpoints.get((request.method, request.path))
        if endpoint is None:
            await _send(send, self._application.missing(request))
            return
        answer = endpoint.accept(request)
        if answer is not None:
            await _send(send, answer)
            return
        try:
            body = None if length > self._max_body_size else await self._read_body(receive)
        except _ClientLeftError:
            return
        if body is None:
            await _send(send, self._too_large())
            return
        refusal = self._gate.refusal()
        if refusal is not None:
            await _send(send, self._application.refuse(refusal))
            return
        context = make_context(scope)
        try:
            if endpoint.streaming:
                await self._stream(endpoint, context, request, body, receive, send)
            else:
                await self._answer(endpoint, context, request, body, receive, send)
        except asyncio.CancelledError:
            context.cancel.cancel("stopped with the server")
            raise

    async def _answer(
        self,
        endpoint: HttpEndpoint,
        context: RequestContext,
        request: HttpRequest,
        body: bytes,
        receive: Receive,
        send: Send,
    ) -> None:
        bridge = self._get_bridge()
        result: asyncio.Future[HttpAnswer] = bridge.loop.create_future()
        self._workers.submit(run, bridge, result, endpoint, context, request, body)
        watch = Watch(bridge.loop, receive, context.cancel.cancel)
        try:
            answer = await result
        finally:
            watch.stop()
        await _send(send, answer)

    async def _stream(
        self,
        endpoint: HttpEndpoint,
        context: RequestContext,
        request: HttpRequest,
        body: bytes,
        receive: Receive,
        send: Send,
    ) -> None:
        bridge = self._get_bridge()
        line: HandOver[bytes | HttpAnswer] = HandOver(bridge)

        def leave() -> None:
            context.cancel.cancel()
            line.close()

        self._workers.submit(run_stream, line, endpoint, context, request, body)
        watch = Watch(bridge.loop, receive, leave)
        started = False
        try:
            while (items := await line.take(_KEEP_ALIVE_SECONDS)) is not None:
                if not started:
                    if not items:
                        continue
                    if isinstance(items[0], HttpAnswer):
                        await _send(send, items[0])
                        return
                    await _send_start(send, 200, endpoint.stream_headers)
                    started = True
                chunks = [item for item in items if isinstance(item, bytes)]
                chunk = b"".join(chunks) if chunks else self._application.keep_alive()
                if chunk:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if started:
                await send({"type": "http.response.body", "body": b""})
            elif not context.cancel.cancelled:
                await _send(send, self._application.refuse(broken()))
        finally:
            watch.stop()
            leave()

    async def _read_body(self, receive: Receive) -> bytes | None:
        """The whole body; None when it is too large. What comes after the limit is never held."""
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            body: bytes = message.get("body", b"")
            return body if len(body) <= self._max_body_size else None
        chunks: list[bytes] = []
        size = 0
        while True:
            if message["type"] == "http.disconnect":
                raise _ClientLeftError
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._max_body_size:
                return None
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)
            message = await receive()

    def _too_large(self) -> HttpAnswer:
        error = RequestError(
            Status.RESOURCE_EXHAUSTED,
            f"The request body is larger than {self._max_body_size} bytes ({BODY_LIMIT_KEY})",
        )
        answer = self._application.refuse(error, 413)
        answer.headers.append((b"connection", b"close"))
        return answer

    def _get_bridge(self) -> LoopBridge:
        loop = asyncio.get_running_loop()
        if self._bridge is None or self._bridge.loop is not loop:
            self._bridge = LoopBridge(loop)
        return self._bridge


class _ClientLeftError(Exception):
    """The connection was lost while the body was read."""


async def _send(send: Send, answer: HttpAnswer) -> None:
    headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
    await _send_start(send, answer.status, headers)
    await send({"type": "http.response.body", "body": answer.body})


async def _send_start(send: Send, status: int, headers: HeaderList) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await send({"type": "lifespan.shutdown.complete"})
            return
