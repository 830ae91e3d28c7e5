"""Calls that are being served: messages come in, a worker makes the answers, the answers go out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import alog

from caikit.runtime.engine import (
    REQUEST_ID_HEADER,
    Body,
    Failure,
    RequestContext,
    RequestError,
    Status,
    to_failure,
)
from caikit.runtime.engine.byte_budget import COUNTED_BYTES, Account
from caikit.runtime.transport._asgi_jobs import broken

from ._call_stream import CallStream
from ._grpc_messages import Compressed, MessageReader, decompress, pack, pack_compressed
from ._grpc_metadata import (
    RESPONSE_BLOCK,
    Value,
    response_block,
    write_metadata,
    write_request_id,
    write_status,
)
from ._permission import Verdict

if TYPE_CHECKING:
    from ._grpc_service import CallPlan, Endpoint, GrpcService

log = alog.use_channel("SERVR-NATIVE")

_ACKNOWLEDGEMENT = (("acknowledgement", "ok"),)
_OK = write_status(Status.OK)
# Most calls are over long before their deadline, and a timer costs more than all other headers. Calls are checked often
# enough that those that are not get one in time.
_SOON_SECONDS = 2.0


class GrpcCall:
    """One call. What models may ask for, they ask in a worker; all else happens in the event loop."""

    def __init__(self, service: GrpcService, endpoint: Endpoint, plan: CallPlan, stream: CallStream) -> None:
        self.plan = plan
        self.stream = stream
        self.hub = stream.connection.hub
        self.compression: bytes | None = plan.compression
        """What is done to the messages of the answer."""
        self._callbacks: list[Callable[[], object]] = []
        self._service = service
        self._endpoint = endpoint
        self._reader = MessageReader(encoding=plan.encoding, longest=service.longest_message)
        self.code: Status | None = None
        self.details = ""
        self.next_is_plain = False
        """The next message is not to be compressed."""
        self._head_made = False
        self._timer: asyncio.TimerHandle | None = None
        self._verdict: Verdict | None = None
        self._account: Account | None = None
        self._counted = 0
        """Bytes of the message that is not complete, as far as they were counted."""
        self._working = self._begun = self._over = False
        self._since = time.monotonic()
        self._deadline = None if plan.timeout is None else self._since + plan.timeout
        request_id = stream.choose_id()
        self.context = RequestContext(
            headers=plan.headers, deadline=self._deadline, native=self._make_native, request_id=request_id
        )
        self.trailing: tuple[tuple[str, Value], ...] = ((REQUEST_ID_HEADER, request_id),)
        self._own_trailing = self.trailing
        service.running += 1

    def begin(self) -> None:
        if self._deadline is not None and self._deadline - self._since < _SOON_SECONDS:
            self._timer = self.hub.loop.call_later(self._deadline - self._since, self._expire)
        if self._endpoint.acknowledge and self._verdict is None:
            self.send_initial(_ACKNOWLEDGEMENT)

    def wait_for(self, verdict: Verdict) -> None:
        """Do nothing before the guard has decided."""
        self._verdict = verdict
        verdict.settle(self.stream.connection, self._be_judged)

    # What the stream tells

    def receive(self, data: bytes) -> None:
        if self._over:
            return
        try:
            messages = self._reader.feed(data)
            if self._counted or self._reader.pending > COUNTED_BYTES:
                self._count(messages)
            if messages:
                self._take(messages)
        except RequestError as error:
            self.fail(error)

    def complete(self) -> None:
        raise NotImplementedError

    def leave(self) -> None:
        """The client has gone."""
        self.context.cancel.cancel()
        self._finish()

    def resume(self) -> None:
        """The client reads again."""

    def stop(self) -> None:
        self.context.cancel.cancel("stopped with the server", Status.UNAVAILABLE)
        self.fail(RequestError(Status.UNAVAILABLE, "The server was stopped before the answer was complete"))

    def check(self, now: float) -> None:
        if self._deadline is not None and self._timer is None and not self._over:
            seconds = self._deadline - now
            if seconds < _SOON_SECONDS:
                self._timer = self.hub.loop.call_later(max(0.0, seconds), self._expire)
        limit, key = self._patience()
        if not self._begun and not self._over and limit is not None and now - self._since > limit:
            reason = f"given up: no message came for {limit:g} seconds ({key})"
            self.context.cancel.cancel(reason, Status.DEADLINE_EXCEEDED)
            self.fail(RequestError(Status.DEADLINE_EXCEEDED, f"The request was {reason}"))

    def _patience(self) -> tuple[float | None, str]:
        raise NotImplementedError

    def _take(self, messages: list[bytes]) -> None:
        raise NotImplementedError

    def _be_judged(self) -> None:
        refusal = None if self._verdict is None else self._verdict.refusal
        self._verdict = None
        if self._over:
            return
        if refusal is not None:
            self.fail(refusal)
            return
        if self._endpoint.acknowledge:
            self.send_initial(_ACKNOWLEDGEMENT)
        self._go_on()

    def _go_on(self) -> None:
        """The guard has nothing against it."""
        raise NotImplementedError

    def _count(self, messages: list[bytes]) -> None:
        """Count large messages, complete or not."""
        if self._account is None:
            self._account = self._service.gate.bytes_held.open()
        pending = self._reader.pending
        pending = pending if pending > COUNTED_BYTES else 0
        complete = sum(len(message) for message in messages if len(message) > COUNTED_BYTES)
        self._account.take(complete + pending - self._counted)
        self._counted = pending

    def _uncount(self, message: bytes) -> None:
        """In a worker: a complete message is held no longer."""
        if self._account is not None and len(message) > COUNTED_BYTES:
            self._account.take(-len(message))

    def _expire(self) -> None:
        self.context.cancel.cancel("not finished before its deadline", Status.DEADLINE_EXCEEDED)
        self.fail(RequestError(Status.DEADLINE_EXCEEDED, "Deadline Exceeded"))

    # The work

    def _submit(self, body: Body) -> None:
        self._begun = self._working = True
        self.hub.submit(self._service.workers, self._work, body, refuse=self._refuse_overdue)

    def _refuse_overdue(self, body: Body) -> None:
        """In place of `_work`, after a long wait for a worker."""
        self.hub.call(self._worked, to_failure(self._service.gate.overdue()))

    def _work(self, body: Body) -> None:
        raise NotImplementedError

    def _open(self, message: bytes) -> bytes:
        """In a worker: what the client has said."""
        if type(message) is not Compressed:
            return message
        return decompress(message, encoding=self.plan.encoding, longest=self._service.longest_message)

    def _open_all(self, body: Body) -> Body:
        """In a worker: the message, or the messages as they come."""
        raise NotImplementedError

    def _pack(self, message: bytes) -> bytes:
        """In a worker: the message as it is sent. Raises RequestError if it is too large for that."""
        longest = self._service.longest_answer
        if longest is not None and len(message) > longest:
            reason = f"SERVER: Sent message larger than max ({len(message)} vs. {longest})"
            raise RequestError(Status.RESOURCE_EXHAUSTED, reason)
        if self.compression is None or self.next_is_plain:
            self.next_is_plain = False
            return pack(message)
        return pack_compressed(message, self.compression)

    def _worked(self, failure: Failure | None) -> None:
        """The worker has done its part."""
        self._working = False
        if self._over:
            self._be_forgotten()
        elif failure is not None:
            self._end(failure.status, failure.message)

    # The answer

    def send_initial(self, metadata: Iterable[tuple[str, Value]]) -> None:
        """Raises ValueError for metadata that cannot be sent, or not any more. May be called in a worker."""
        if self._head_made:
            raise ValueError("Initial metadata no longer allowed!")
        block = write_metadata(metadata)
        self.hub.call_or_run(self._start, self._make_head() + block)

    def compress(self, encoding: bytes | None) -> None:
        """In a worker: compress the messages from now on, if the client knows how and was not told otherwise."""
        if not self._head_made and (encoding is None or encoding in self.plan.accepted):
            self.compression = encoding

    def _make_head(self) -> bytes:
        self._head_made = True
        return response_block(self.compression)

    def fail(self, error: RequestError) -> None:
        if not self._over:
            self._service.gate.note(error)
            self._end(error.status, error.message)

    def _start(self, block: bytes) -> None:
        if not self.stream.begun and not self._over:
            self.stream.start(block)

    def _trailers(self) -> bytes:
        status = _OK if self.code is None else write_status(self.code, self.details)
        return status + self._metadata()

    def _metadata(self) -> bytes:
        if self.trailing is self._own_trailing:
            return write_request_id(self.context.request_id)
        return write_metadata(self.trailing)

    def _end(self, status: Status, message: str) -> None:
        """End the call with a status that is not that of a good answer."""
        self._finish()
        try:
            self._end_stream(write_status(status, message) + self._metadata())
        except Exception as error:
            self._break_off(error)

    def _break_off(self, error: Exception) -> None:
        """End a call whose answer cannot be sent: its client must not wait for it, nor anybody else pay for it."""
        log.error("<RUN51820343E>", "A call cannot be answered: %r", error, exc_info=True)
        self._finish()
        reason = broken()
        self._end_stream(
            write_status(reason.status, reason.message) + write_request_id(self.context.request_id)
        )

    def _end_stream(self, trailers: bytes) -> None:
        if self.stream.begun:
            self.stream.finish(trailers)
        else:
            self.stream.refuse(RESPONSE_BLOCK + trailers)

    def _finish(self) -> None:
        if self._over:
            return
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        if self._account is not None:
            self._account.close()
        if not self._working:
            self._be_forgotten()
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            # Code of a model: it may take its time.
            self._service.workers.submit(callback)

    def _be_forgotten(self) -> None:
        """Neither the client nor a worker needs the call any more."""
        self._service.running -= 1
        # The context, which asks the call for what models ask of it, would keep it until garbage is collected.
        self.context.close()

    def add_callback(self, callback: Callable[[], object]) -> bool:
        """Call back when the call has ended; False if it has."""
        if self._over:
            return False
        self._callbacks.append(callback)
        return True

    def _make_native(self) -> Any:
        from ._grpc_context import NativeServicerContext

        return NativeServicerContext(self)

    @property
    def is_active(self) -> bool:
        return not self._over and not self.context.cancel.cancelled
