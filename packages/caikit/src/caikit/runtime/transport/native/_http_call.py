"""HTTP requests that are being served: the body comes in, a worker makes the answer, the answer goes out."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import alog

from caikit.runtime.engine import Body, RequestError, Status
from caikit.runtime.engine.byte_budget import COUNTED_BYTES, Account
from caikit.runtime.transport._asgi_jobs import broken, stopped
from caikit.runtime.transport._out_line import OutLine, produce
from caikit.runtime.transport.http_messages import HttpAnswer, HttpEndpoint

from ._heads import Head, make_context
from ._permission import Verdict

if TYPE_CHECKING:
    from ._http_service import HttpReply, HttpService

log = alog.use_channel("SERVR-NATIVE")

_KEEP_ALIVE_SECONDS = 15.0


class HttpCall:
    """One request. All methods but `_work` are called in the event loop."""

    def __init__(self, service: HttpService, endpoint: HttpEndpoint, head: Head, reply: HttpReply) -> None:
        self._service = service
        self._endpoint = endpoint
        self._request = head.request
        self._reply = reply
        self._hub = reply.connection.hub
        self._context = make_context(head, reply.connection, reply.request_id)
        self._body: bytes | bytearray = b""
        self._complete = False
        self._verdict: Verdict | None = None
        self._account: Account | None = None
        self._over = False

    # What the connection tells

    def receive(self, chunk: bytes) -> None:
        """A piece of the body."""
        if self._over:
            return
        size = len(self._body) + len(chunk)
        if size > self._service.max_body_size:
            self._end(self._service.too_large())
            return
        if size > COUNTED_BYTES and not self._count(size, len(chunk)):
            return
        if not self._body:
            self._body = chunk
        elif isinstance(self._body, bytes):
            self._body = bytearray(self._body) + chunk
        else:
            self._body += chunk

    def complete(self) -> None:
        """The whole body has come."""
        self._complete = True
        if self._verdict is None and not self._over:
            self._submit(bytes(self._body))

    def leave(self) -> None:
        """The client has gone."""
        self._context.cancel.cancel()
        self._finish()

    def resume(self) -> None:
        """The client reads again."""

    def stop(self) -> None:
        """The server waits no longer."""
        self._context.cancel.cancel("stopped with the server", Status.UNAVAILABLE)
        self._end(self._service.stopped())

    def check(self, now: float) -> None:
        """Called from time to time."""

    @property
    def reads_by_itself(self) -> bool:
        """Who reads the body knows how long its client may take."""
        return False

    # Before the work

    def wait_for(self, verdict: Verdict) -> None:
        """Do nothing before the guard has decided."""
        self._verdict = verdict
        verdict.settle(self._reply.connection, self._be_judged)

    def _be_judged(self) -> None:
        refusal = None if self._verdict is None else self._verdict.refusal
        self._verdict = None
        if self._over:
            return
        if refusal is not None:
            self._end(self._service.application.refuse(refusal))
        elif self._complete:
            self._submit(bytes(self._body))

    def _count(self, size: int, more: int) -> bool:
        """Count the bytes of a large body; False if there are too many on this server."""
        if self._account is None:
            refusal = self._service.gate.refusal()
            if refusal is not None:
                self._end(closing(self._service.application.refuse(refusal)))
                return False
            self._account, more = self._service.gate.bytes_held.open(), size
        try:
            self._account.take(more)
        except RequestError as error:
            self._end(closing(self._service.application.refuse(error, 503)))
            return False
        return True

    def _submit(self, body: Body) -> None:
        refusal = self._service.gate.refusal()
        if refusal is not None:
            self._end(self._service.application.refuse(refusal))
            return
        self._body = b""
        self._hand_over(body)

    def _hand_over(self, body: Body) -> None:
        self._hub.submit(self._service.workers, self._work, body, refuse=self._refuse_overdue)

    def _refuse_overdue(self, body: Body) -> None:
        """In place of `_work`, after a long wait for a worker."""
        self._hub.call(self._end, self._service.application.refuse(self._service.gate.overdue()))

    # The work and the answer

    def _work(self, body: Body) -> None:
        raise NotImplementedError

    def _end(self, answer: HttpAnswer) -> None:
        if not self._over:
            self._finish()
            self._reply.send(answer)

    def _finish(self) -> None:
        self._over = True
        if self._account is not None:
            self._account.close()


class AnswerCall(HttpCall):
    """A request with one answer."""

    def _hand_over(self, body: Body) -> None:
        runs = self._endpoint.loop_runs
        if runs is None or not runs.serve(self._context, body, self._answer_now):
            super()._hand_over(body)

    def _answer_now(self, body: Body) -> None:
        """In the loop."""
        try:
            answer = self._endpoint.answer(self._context, self._request, body)
        except BaseException as error:
            log.error("<RUN51820345E>", "A request cannot be answered: %r", error, exc_info=True)
            answer = self._service.application.refuse(broken())
        self._end(answer)

    def _work(self, body: Body) -> None:
        try:
            answer = self._endpoint.answer(self._context, self._request, body)
        except BaseException:
            self._hub.call(self._end, self._service.application.refuse(broken()))
            raise
        self._hub.call(self._end, answer)


class StreamCall(HttpCall):
    """A request with a stream of answers, or a refusal in its place."""

    def __init__(self, service: HttpService, endpoint: HttpEndpoint, head: Head, reply: HttpReply) -> None:
        super().__init__(service, endpoint, head, reply)
        self._line: OutLine[bytes | HttpAnswer] = OutLine(
            self._hub, self._pump, stall_seconds=service.stall_seconds
        )
        self._started = False
        self._failed = False
        self._written_at = 0.0

    def resume(self) -> None:
        self._pump()

    def check(self, now: float) -> None:
        if self._started and not self._over and now - self._written_at > _KEEP_ALIVE_SECONDS:
            self._write(self._service.application.keep_alive())

    def stop(self) -> None:
        if self._started and not self._over:
            self._context.cancel.cancel("stopped with the server", Status.UNAVAILABLE)
            self._write(self._service.application.refuse_stream(stopped()))
            self._end_stream()
        else:
            super().stop()

    def _work(self, body: Body) -> None:
        # The response starts as soon as the request is known to be well-formed, not with the first item.
        self._context.on_decoded = partial(self._line.put, b"")
        try:
            produce(self._line, self._endpoint.stream(self._context, self._request, body), self._context)
        except BaseException:
            self._failed = True
            raise
        finally:
            self._line.finish()

    def _pump(self) -> None:
        if self._over or not self._reply.writable:
            return
        items = self._line.take()
        if items and not self._started:
            first = items[0]
            if isinstance(first, HttpAnswer):
                self._end(first)
                return
            self._started = True
            self._reply.start(self._endpoint.stream_headers)
            self._written_at = time.monotonic()
        chunk = b"".join([item for item in items if isinstance(item, bytes)])
        if chunk:
            self._write(chunk)
        if self._line.ended:
            self._conclude()

    def _conclude(self) -> None:
        if not self._started:
            self._end(self._service.application.refuse(broken()))
            return
        if self._failed:
            self._write(self._service.application.refuse_stream(broken()))
        elif self._line.stalled:
            self._reply.connection.abort()
        self._end_stream()

    def _write(self, chunk: bytes) -> None:
        self._written_at = time.monotonic()
        self._reply.write(chunk)

    def _end_stream(self) -> None:
        if not self._over:
            self._finish()
            self._reply.end()

    def _finish(self) -> None:
        super()._finish()
        # The producer ends at its next item, whether or not it looks at the token.
        self._context.cancel.cancel()
        self._line.close()


def closing(answer: HttpAnswer) -> HttpAnswer:
    """The answer to a request whose rest nobody will read."""
    # Answers of one kind share their headers.
    answer.headers = [*answer.headers, (b"connection", b"close")]
    return answer
