"""The four shapes of calls: one message or many in each direction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from caikit.runtime.engine import Body, Failure, RequestError, Shape, Status, to_failure
from caikit.runtime.engine.limits import READ_SECONDS_KEY, STALL_SECONDS_KEY
from caikit.runtime.transport._out_line import OutLine, produce

from ._call_stream import CallStream
from ._grpc_call import GrpcCall
from ._grpc_feed import MessageFeed
from ._grpc_messages import Compressed

if TYPE_CHECKING:
    from ._grpc_service import CallPlan, Endpoint, GrpcService


class _OneIn(GrpcCall):
    """The request is one message."""

    _message: bytes | None = None
    _complete = False

    def _take(self, messages: list[bytes]) -> None:
        if self._message is not None or len(messages) > 1:
            raise RequestError(Status.UNIMPLEMENTED, "Expected exactly one request message, got more")
        self._message = messages[0]

    def complete(self) -> None:
        self._complete = True
        if self._over or self._verdict is not None:
            return
        if self._message is None:
            self.fail(
                RequestError(Status.INTERNAL, "The request message is not complete")
                if self._reader.pending
                else RequestError(Status.UNIMPLEMENTED, "Expected exactly one request message, got none")
            )
            return
        message, self._message = self._message, b""
        self._submit(message)

    def _go_on(self) -> None:
        if self._complete:
            self.complete()

    def _open_all(self, body: Body) -> Body:
        return self._open(body) if isinstance(body, Compressed) else body

    def _patience(self) -> tuple[float | None, str]:
        return self._service.read_seconds, READ_SECONDS_KEY


class _ManyIn(GrpcCall):
    """The request is a stream of messages, read by its worker as they come."""

    _feed: MessageFeed | None = None

    def _take(self, messages: list[bytes]) -> None:
        self._get_feed().put(messages)
        self._go_on()

    def complete(self) -> None:
        if not self._over:
            if self._reader.pending:
                error = RequestError(Status.INTERNAL, "The last request message is not complete")
                self._get_feed().fail(error)
            self._get_feed().end()
            self._go_on()

    def _get_feed(self) -> MessageFeed:
        if self._feed is None:
            self._feed = MessageFeed(
                self.hub,
                self.context.cancel,
                hold=self.stream.hold,
                forget=self._uncount,
                unfinished=self._count_unfinished,
                is_crowded=self._service.is_crowded,
                stall_seconds=self._service.stall_seconds,
            )
        return self._feed

    def _count_unfinished(self) -> int:
        """Bytes of the message that is not complete yet."""
        return self._reader.pending

    def _go_on(self) -> None:
        # No worker waits for a client that has said nothing yet.
        if self._feed is not None and self._verdict is None and not self._begun:
            self._submit(iter(self._feed))

    def _finish(self) -> None:
        super()._finish()
        if self._feed is not None:
            self._feed.close()

    def _open_all(self, body: Body) -> Body:
        return body if isinstance(body, bytes) else map(self._open, body)

    def _patience(self) -> tuple[float | None, str]:
        return self._service.stall_seconds, STALL_SECONDS_KEY


class _OneOut(GrpcCall):
    """The answer is one message."""

    def _work(self, body: Body) -> None:
        self.hub.call(*self._make_answer(body))

    def _make_answer(self, body: Body) -> tuple[Callable[[Any], None], Any]:
        """What is to be done in the loop, and with what."""
        try:
            return self._answered, self._pack(self._endpoint.answer(self.context, self._open_all(body)))
        except BaseException as error:
            return self._worked, to_failure(error)

    def _answered(self, answer: bytes) -> None:
        over = self._over
        self._worked(None)
        if over:
            return
        try:
            trailers = self._trailers()
            self._finish()
            self.stream.answer(self._make_head(), answer, trailers)
        except Exception as error:
            self._break_off(error)


# Until its worker is done with it: a stream that is cut short must not end well.
_UNFINISHED = Failure(Status.INTERNAL, "The stream was not finished", "")


class _ManyOut(GrpcCall):
    """The answer is a stream of messages."""

    def __init__(self, service: GrpcService, endpoint: Endpoint, plan: CallPlan, stream: CallStream) -> None:
        super().__init__(service, endpoint, plan, stream)
        self._line: OutLine[bytes] = OutLine(self.hub, self._pump, stall_seconds=service.stall_seconds)
        self._failure: Failure | None = _UNFINISHED

    def resume(self) -> None:
        self._pump()

    def _work(self, body: Body) -> None:
        try:
            answers = self._endpoint.stream(self.context, self._open_all(body))
            produce(self._line, answers, self.context, prepare=self._pack)
            self._failure = None
        except BaseException as error:
            self._failure = to_failure(error)
        finally:
            self._line.finish()
            self.hub.call(self._worked, None)

    def _pump(self) -> None:
        if self._over or not self.stream.writable:
            return
        try:
            self._send_ready()
        except Exception as error:
            self._break_off(error)

    def _send_ready(self) -> None:
        items = self._line.take()
        if items:
            if not self.stream.begun:
                self.stream.start(self._make_head())
            self.stream.send(b"".join(items))
        if not self._line.ended:
            return
        if self._failure is not None:
            self._end(self._failure.status, self._failure.message)
            return
        trailers = self._trailers()
        self._finish()
        if not self.stream.begun:
            self.stream.start(self._make_head())
        self.stream.finish(trailers)

    def _finish(self) -> None:
        super()._finish()
        # The producer ends at its next item, whether or not it looks at the token.
        self.context.cancel.cancel()
        self._line.close()


class UnaryCall(_OneIn, _OneOut):
    def _submit(self, body: Body) -> None:
        runs = self._endpoint.loop_runs
        if runs is None or not runs.serve(self.context, body, self._answer_now):
            super()._submit(body)

    def _answer_now(self, body: Body) -> None:
        """In the loop."""
        self._begun = self._working = True
        act, outcome = self._make_answer(body)
        act(outcome)


class ServerStreamCall(_OneIn, _ManyOut):
    pass


class ClientStreamCall(_ManyIn, _OneOut):
    pass


class BidiCall(_ManyIn, _ManyOut):
    pass


CALLS: dict[Shape, type[GrpcCall]] = {
    Shape.UNARY: UnaryCall,
    Shape.SERVER_STREAM: ServerStreamCall,
    Shape.CLIENT_STREAM: ClientStreamCall,
    Shape.BIDI: BidiCall,
}
