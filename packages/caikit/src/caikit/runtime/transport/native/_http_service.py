"""Serves HTTP requests, whatever version brought them: looks endpoints up, asks guards, hands over to workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from caikit.runtime.engine import Gate, Reason, RequestError, Status, WorkerPool
from caikit.runtime.engine.limits import DEFAULT_STALL_SECONDS
from caikit.runtime.transport._asgi_jobs import stopped
from caikit.runtime.transport.http_messages import (
    BODY_LIMIT_KEY,
    DEFAULT_BODY_LIMIT,
    HeaderList,
    HttpAnswer,
    HttpApplication,
    HttpEndpoint,
)

from ._connection import Connection
from ._heads import Head
from ._http_call import AnswerCall, HttpCall, StreamCall, closing
from ._http_lines import make_lines_call
from ._permission import ask

if TYPE_CHECKING:
    from ._grpc_web import WebService, WebStream


class HttpReply(Protocol):
    """Where the answer to one request goes. To be used in the event loop only; after its end it does nothing."""

    @property
    def connection(self) -> Connection: ...

    @property
    def request_id(self) -> str:
        """Goes with the answer."""

    @property
    def writable(self) -> bool:
        """The client reads what is sent; the call is told by `resume` when this becomes true again."""

    def send(self, answer: HttpAnswer) -> None:
        """The complete answer."""

    def start(self, headers: HeaderList) -> None:
        """Begin an answer whose length is not known."""

    def write(self, chunk: bytes) -> None: ...

    def end(self) -> None: ...

    def hold_body(self, held: bool) -> None:
        """Let no more of the body come, or let it come again."""


class HttpService:
    """One application behind native connections."""

    def __init__(
        self,
        application: HttpApplication,
        *,
        workers: WorkerPool,
        gate: Gate,
        max_body_size: int = DEFAULT_BODY_LIMIT,
        stall_seconds: float | None = DEFAULT_STALL_SECONDS,
    ) -> None:
        self.application = application
        self.workers = workers
        self.gate = gate
        self.max_body_size = max_body_size
        self.stall_seconds = stall_seconds
        self.web: WebService | None = None
        """Takes the calls of gRPC-Web, if there are any."""
        self._endpoints = application.endpoints

    def begin(self, head: Head, reply: HttpReply) -> HttpCall | WebStream | None:
        """Serve a request whose body is still to come; None if that does not matter any more."""
        if head.is_web and self.web is not None:
            return self.web.begin(head, reply)
        accepted: HttpEndpoint | None = head.base.plan
        if accepted is not None and (head.length is None or head.length <= self.max_body_size):
            return (StreamCall if accepted.streaming else AnswerCall)(self, accepted, head, reply)
        request = head.request
        endpoint = self._endpoints.get((request.method, request.path))
        if endpoint is None:
            question = None if self.web is None else self.web.answer_question(head)
            reply.send(question or self.application.missing(request))
            return None
        if endpoint.guard is None:
            return self._admit(endpoint, head, reply)
        verdict = ask(endpoint.guard, head.values(b"authorization"), reply.connection)
        if verdict.undecided is None:
            if verdict.refusal is not None:
                reply.send(self.application.refuse(verdict.refusal))
                return None
            return self._admit(endpoint, head, reply)
        call = self._admit(endpoint, head, reply)
        if call is not None:
            call.wait_for(verdict)
        return call

    def _admit(self, endpoint: HttpEndpoint, head: Head, reply: HttpReply) -> HttpCall | None:
        answer = endpoint.accept(head.request)
        if answer is not None:
            reply.send(answer)
            return None
        if endpoint.takes_lines:
            return make_lines_call(self, endpoint, head, reply)
        if head.length is not None and head.length > self.max_body_size:
            reply.send(self.too_large())
            return None
        if endpoint.guard is None:
            # Another request with the same head is accepted as well.
            head.base.plan = endpoint
        return (StreamCall if endpoint.streaming else AnswerCall)(self, endpoint, head, reply)

    def too_large(self) -> HttpAnswer:
        error = RequestError(
            Status.RESOURCE_EXHAUSTED,
            f"The request body is larger than {self.max_body_size} bytes ({BODY_LIMIT_KEY})",
            reason=Reason.TOO_LARGE,
        )
        return closing(self.application.refuse(error, 413))

    def stopped(self) -> HttpAnswer:
        return self.application.refuse(stopped())
