"""HTTP over ASGI: reads bodies, hands requests to workers, notices clients that leave; WebSockets have their own."""

from __future__ import annotations

import asyncio

from caikit.runtime.engine import Body, Gate, Reason, RequestContext, RequestError, Status, WorkerPool
from caikit.runtime.engine.byte_budget import Account
from caikit.runtime.engine.guard import Guard
from caikit.runtime.engine.limits import DEFAULT_STALL_SECONDS

from ._asgi_access import find_refusal
from ._asgi_jobs import broken, deliver, run, run_stream, stopped
from ._asgi_scope import Message, Receive, Send, make_context, read_scope, returning_id
from ._asgi_socket import AsgiSockets
from ._asgi_watch import Watches
from ._hand_over import HandOver
from ._line_feed import LineFeed, Pump, silent
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
        stall_seconds: float | None = DEFAULT_STALL_SECONDS,
    ) -> None:
        self._application = application
        self._endpoints = application.endpoints
        self._workers = workers
        self._gate = gate
        self._max_body_size = max_body_size
        self._stall_seconds = stall_seconds
        self._sockets = AsgiSockets(
            application,
            workers=workers,
            gate=gate,
            max_message_size=max_body_size,
            stall_seconds=stall_seconds,
        )
        self._bridge: LoopBridge | None = None
        self._watches: Watches | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                await self._serve(scope, receive, send)
            case "lifespan":
                await _live(receive, send)
            case "websocket":
                bridge, _ = self._enter_loop()
                await self._sockets.serve(bridge, scope, receive, send)

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        send = returning_id(scope, send)
        request, length = read_scope(scope)
        endpoint = self._endpoints.get((request.method, request.path))
        if endpoint is None:
            await _send(send, self._application.missing(request))
            return
        if endpoint.guard is not None and await self._refuse_caller(endpoint.guard, scope, send):
            return
        answer = endpoint.accept(request)
        if answer is not None:
            await _send(send, answer)
            return
        if endpoint.takes_lines:
            await self._serve_lines(scope, endpoint, request, receive, send)
            return
        if length > self._max_body_size:
            await _send(send, self._too_large())
            return
        try:
            message = await receive()
        except asyncio.CancelledError:
            await _send(send, self._application.refuse(stopped()))
            return
        if message["type"] != "http.request" or message.get("more_body", False):
            await self._serve_in_pieces(scope, message, endpoint, request, receive, send)
            return
        body: bytes = message.get("body", b"")
        if len(body) > self._max_body_size:
            await _send(send, self._too_large())
            return
        await self._serve_body(scope, endpoint, request, body, receive, send)

    async def _refuse_caller(self, guard: Guard, scope: Message, send: Send) -> bool:
        """Tells whether the request was refused."""
        refusal: RequestError | None
        try:
            refusal = await find_refusal(guard, scope)
        except asyncio.CancelledError:
            refusal = stopped()
        if refusal is not None:
            await _send(send, self._application.refuse(refusal))
        return refusal is not None

    async def _serve_in_pieces(
        self,
        scope: Message,
        message: Message,
        endpoint: HttpEndpoint,
        request: HttpRequest,
        receive: Receive,
        send: Send,
    ) -> None:
        """Serve a request whose body comes in several pieces, which can be many bytes for a long time."""
        refusal = self._gate.refusal()
        if refusal is not None:
            await _send(send, _closing(self._application.refuse(refusal)))
            return
        with self._gate.bytes_held.open() as account:
            try:
                body = await self._read_pieces(message, receive, account)
            except _ClientLeftError:
                return
            except asyncio.CancelledError:
                await _send(send, self._application.refuse(stopped()))
                return
            except RequestError as error:
                await _send(send, _closing(self._application.refuse(error, 503)))
                return
            if body is None:
                await _send(send, self._too_large())
                return
            await self._serve_body(scope, endpoint, request, body, receive, send)

    async def _serve_lines(
        self,
        scope: Message,
        endpoint: HttpEndpoint,
        request: HttpRequest,
        receive: Receive,
        send: Send,
    ) -> None:
        """Serve a request whose body is read by its worker, and may still come while the answer leaves."""
        try:
            # No worker waits for a client that has said nothing yet.
            message = await asyncio.wait_for(receive(), self._stall_seconds)
        except (asyncio.CancelledError, asyncio.TimeoutError) as error:
            stalled = isinstance(error, asyncio.TimeoutError)
            refusal = silent(self._stall_seconds) if stalled else stopped()
            await _send(send, _closing(self._application.refuse(refusal)))
            return
        obstacle = self._gate.refusal()
        if obstacle is not None:
            await _send(send, _closing(self._application.refuse(obstacle)))
            return
        context = make_context(scope)
        bridge, _ = self._enter_loop()
        feed = LineFeed(
            bridge,
            context.cancel,
            self._gate.bytes_held.open(),
            longest_line=self._max_body_size,
            stall_seconds=self._stall_seconds,
        )
        pump = Pump(receive, feed, message)
        serve = self._stream if endpoint.streaming else self._answer
        await serve(endpoint, context, request, iter(feed), receive, send, pump)

    async def _serve_body(
        self,
        scope: Message,
        endpoint: HttpEndpoint,
        request: HttpRequest,
        body: bytes,
        receive: Receive,
        send: Send,
    ) -> None:
        refusal = self._gate.refusal()
        if refusal is not None:
            await _send(send, self._application.refuse(refusal))
            return
        context = make_context(scope)
        if endpoint.loop_runs is not None:
            answers: list[HttpAnswer] = []
            if endpoint.loop_runs.serve(
                context, body, lambda body: answers.append(endpoint.answer(context, request, body))
            ):
                await _send(send, answers[0])
                return
        serve = self._stream if endpoint.streaming else self._answer
        await serve(endpoint, context, request, body, receive, send)

    async def _answer(
        self,
        endpoint: HttpEndpoint,
        context: RequestContext,
        request: HttpRequest,
        body: Body,
        receive: Receive,
        send: Send,
        pump: Pump | None = None,
    ) -> None:
        bridge, watches = self._enter_loop()
        result: asyncio.Future[HttpAnswer] = bridge.loop.create_future()
        leave = context.cancel.cancel
        watch = watches.add(receive, leave) if pump is None else pump.start(bridge.loop, leave)
        bridge.submit(
            self._workers, run, bridge, result, endpoint, context, request, body, refuse=self._refuse
        )
        try:
            answer = await result
        except asyncio.CancelledError:
            # The server is stopped and waits no longer. It would take what we raise for a failed application.
            context.cancel.cancel("stopped with the server", Status.UNAVAILABLE)
            answer = self._application.refuse(stopped())
        finally:
            watch.stop()
        if pump is not None and not pump.complete:
            _closing(answer)
        await _send(send, answer)

    async def _stream(
        self,
        endpoint: HttpEndpoint,
        context: RequestContext,
        request: HttpRequest,
        body: Body,
        receive: Receive,
        send: Send,
        pump: Pump | None = None,
    ) -> None:
        bridge, watches = self._enter_loop()
        line: HandOver[bytes | HttpAnswer] = HandOver(bridge, stall_seconds=self._stall_seconds)

        def leave() -> None:
            context.cancel.cancel()
            line.close()

        bridge.submit(
            self._workers, run_stream, line, endpoint, context, request, body, refuse=self._refuse_stream
        )
        watch = watches.add(receive, leave) if pump is None else pump.start(bridge.loop, leave)
        out = _EventStream(send, endpoint.stream_headers)
        try:
            await self._send_items(line, out)
            if line.failed and out.started:
                await out.write(self._application.refuse_stream(broken()))
            if not out.started and not context.cancel.cancelled:
                await out.replace(self._application.refuse(broken()))
        except asyncio.CancelledError:
            context.cancel.cancel("stopped with the server", Status.UNAVAILABLE)
            if out.started:
                await out.write(self._application.refuse_stream(stopped()))
            else:
                await out.replace(self._application.refuse(stopped()))
        finally:
            leave()
            watch.stop()
        await out.end()

    async def _send_items(self, line: HandOver[bytes | HttpAnswer], out: _EventStream) -> None:
        while (items := await line.receive(_KEEP_ALIVE_SECONDS)) is not None:
            if not out.started:
                if not items:
                    continue
                if isinstance(items[0], HttpAnswer):
                    await out.replace(items[0])
                    return
                await out.start()
            chunks = [item for item in items if isinstance(item, bytes)]
            chunk = b"".join(chunks) if chunks else self._application.keep_alive()
            if chunk:
                await out.write(chunk)

    def _refuse(self, bridge: LoopBridge, result: asyncio.Future[HttpAnswer], *unserved: object) -> None:
        """In place of `run`, after a long wait for a worker."""
        bridge.call(deliver, result, self._application.refuse(self._gate.overdue()))

    def _refuse_stream(self, line: HandOver[bytes | HttpAnswer], *unserved: object) -> None:
        line.put(self._application.refuse(self._gate.overdue()))
        line.finish()

    async def _read_pieces(self, message: Message, receive: Receive, account: Account) -> bytes | None:
        """The whole body; None when it is too large. What comes after a limit is never held."""
        chunks: list[bytes] = []
        size = 0
        while True:
            if message["type"] == "http.disconnect":
                raise _ClientLeftError
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._max_body_size:
                return None
            account.take(len(chunk))
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)
            message = await receive()

    def _too_large(self) -> HttpAnswer:
        error = RequestError(
            Status.RESOURCE_EXHAUSTED,
            f"The request body is larger than {self._max_body_size} bytes ({BODY_LIMIT_KEY})",
            reason=Reason.TOO_LARGE,
        )
        return _closing(self._application.refuse(error, 413))

    def _enter_loop(self) -> tuple[LoopBridge, Watches]:
        loop = asyncio.get_running_loop()
        if self._bridge is None or self._watches is None or self._bridge.loop is not loop:
            self._bridge, self._watches = LoopBridge(loop), Watches(loop)
        return self._bridge, self._watches


class _ClientLeftError(Exception):
    """The connection was lost while the body was read."""


class _EventStream:
    """A response whose length is not known, or the complete one that takes its place."""

    def __init__(self, send: Send, headers: HeaderList) -> None:
        self._send = send
        self._headers = headers
        self._ended = False
        self.started = False

    async def start(self) -> None:
        self.started = True
        await self._send({"type": "http.response.start", "status": 200, "headers": self._headers})

    async def replace(self, answer: HttpAnswer) -> None:
        self.started = self._ended = True
        await _send(self._send, answer)

    async def write(self, chunk: bytes) -> None:
        if not self._ended:
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end(self) -> None:
        if self.started and not self._ended:
            self._ended = True
            await self._send({"type": "http.response.body", "body": b""})


def _closing(answer: HttpAnswer) -> HttpAnswer:
    """The answer to a request whose rest nobody will read."""
    # Answers of one kind share their headers.
    answer.headers = [*answer.headers, (b"connection", b"close")]
    return answer


async def _send(send: Send, answer: HttpAnswer) -> None:
    headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await send({"type": "lifespan.shutdown.complete"})
            return
