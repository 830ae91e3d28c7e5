"""gRPC-Web: the calls of gRPC for browsers, in plain requests of either version of HTTP, with trailers in the body."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from caikit.runtime.engine import REQUEST_ID_HEADER, RequestError, Status
from caikit.runtime.engine.byte_budget import COUNTED_BYTES
from caikit.runtime.transport.http_messages import HeaderList, HttpAnswer

from ._grpc_metadata import MOST_METADATA_BYTES
from ._grpc_web_text import TextReader
from ._header_decoder import HeaderDecoder
from ._heads import Head
from ._http_call import closing
from ._web_origins import Origins, asks_for_leave, find_origin, grants

if TYPE_CHECKING:
    from ._connection import Connection
    from ._grpc_service import CallPlan, GrpcService
    from ._http2_stream import StreamUser
    from ._http_service import HttpReply

ORIGINS_KEY = "runtime.grpc.web_origins"

_BINARY = b"application/grpc-web"
_TEXT = b"application/grpc-web-text"
_FORMAT = b"+proto"
_TRAILERS = b"\x80"
_CONTENT_TYPE = b"content-type"
_REQUEST_ID = REQUEST_ID_HEADER.encode()
# Status and request id come with it.
_MOST_HEADERS = 2 * MOST_METADATA_BYTES


class WebPlan(NamedTuple):
    """What can be told of a call by its headers; connections keep it for calls with the same headers."""

    call: CallPlan
    reads_text: bool
    writes_text: bool
    headers: HeaderList
    """Of every answer."""
    is_foreign: bool
    """The page that calls is from elsewhere: its browser hides what it is not told to show."""


class WebService:
    """The methods of a gRPC server for browsers."""

    def __init__(self, grpc: GrpcService, origins: Iterable[str] = ()) -> None:
        """`origins` are those of pages that may call from elsewhere. Raises ValueError for what is none."""
        self.grpc = grpc
        try:
            self._origins = Origins(origins)
        except ValueError as error:
            raise ValueError(f"{ORIGINS_KEY}: {error}") from None

    def begin(self, head: Head, reply: HttpReply) -> WebStream | None:
        """Serve a call whose message is still to come; None if that does not matter any more."""
        plan: WebPlan | None = head.plan
        if plan is None:
            media = _media_type(head.request.content_type or b"")
            if media is None:
                reply.send(_refusal(415, "Expected the format proto: application/grpc-web+proto"))
                return None
            if head.request.method != "POST":
                reply.send(_refusal(405, "Method Not Allowed", [(b"allow", b"POST")]))
                return None
            plan = head.plan = self._plan(head, media)
        stream = WebStream(self, plan, head, reply)
        self.grpc.serve(plan.call, stream)
        return None if stream.ended else stream

    def answer_question(self, head: Head) -> HttpAnswer | None:
        """The answer to a browser that asks whether a page may call a method; None for other requests."""
        if not asks_for_leave(head) or not self.grpc.knows(head.request.path):
            return None
        allowed = self._origins.allow(head)
        if allowed is None:
            reason = f"Pages of {find_origin(head) or 'nowhere'} may not call this server ({ORIGINS_KEY})"
            return _refusal(403, reason)
        return HttpAnswer(200, b"", allowed)

    def _plan(self, head: Head, media: bytes) -> WebPlan:
        call = self.grpc.plan(head)
        endpoint = call.endpoint
        if call.error is None and endpoint is not None and endpoint.shape.input_streaming:
            call.error = RequestError(
                Status.UNIMPLEMENTED,
                "Over gRPC-Web a request is one message, and this method takes a stream of them: call it over gRPC",
            )
        writes_text = _writes_text(head, media)
        content_type = (_TEXT if writes_text else _BINARY) + _FORMAT
        leave = self._origins.headers(head)
        headers = [(_CONTENT_TYPE, content_type), *leave]
        return WebPlan(call, media == _TEXT, writes_text, headers, is_foreign=grants(leave))


class WebStream:
    """One call: the stream of the call, and the call of the request that carries it."""

    def __init__(self, service: WebService, plan: WebPlan, head: Head, reply: HttpReply) -> None:
        self.head = head
        self.begun = False
        self.remote_ended = False
        self.ended = False
        self._service = service
        self._plan = plan
        self._reply = reply
        self._user: StreamUser | None = None
        self._reader = TextReader() if plan.reads_text else None

    # What the request tells

    def receive(self, data: bytes) -> None:
        if self.ended or self._user is None:
            return
        reader = self._reader
        if reader is None:
            self._user.receive(data)
            return
        self._user.receive(reader.feed(data))
        if reader.fault is not None and not self.ended:
            self._give_up(reader.fault)

    def complete(self) -> None:
        self.remote_ended = True
        if self.ended or self._user is None:
            return
        if self._reader is not None:
            try:
                self._reader.end()
            except RequestError as error:
                self._give_up(error)
                return
        self._user.complete()

    def leave(self) -> None:
        self.ended = True
        if self._user is not None:
            self._user.leave()

    def resume(self) -> None:
        if self._user is not None and not self.ended:
            self._user.resume()

    def stop(self) -> None:
        if self._user is not None and not self.ended:
            self._user.stop()

    def check(self, now: float) -> None:
        if self._user is not None and not self.ended:
            self._user.check(now)

    @property
    def reads_by_itself(self) -> bool:
        """The call knows how long its client may take."""
        return not self.ended

    # What the call tells

    @property
    def connection(self) -> Connection:
        return self._reply.connection

    @property
    def writable(self) -> bool:
        return self._reply.writable

    def choose_id(self) -> str:
        return self._reply.request_id

    def use(self, user: StreamUser) -> None:
        self._user = user

    def hold(self, held: bool) -> None:
        self._reply.hold_body(held)

    def start(self, block: bytes) -> None:
        if not self.ended:
            headers = self._headers(block)
            self.begun = True
            self._reply.start(headers)

    def send(self, data: bytes) -> None:
        if data and not self.ended:
            self._reply.write(self._encode(data))

    def finish(self, trailers: bytes = b"") -> None:
        if not self.ended:
            end = self._encode(_trailer_frame(trailers))
            self.ended = True
            self._reply.write(end)
            self._reply.end()

    def answer(self, block: bytes, data: bytes, trailers: bytes) -> None:
        if self.begun:
            self.send(data)
            self.finish(trailers)
        elif not self.ended:
            body = self._encode(data + _trailer_frame(trailers))
            whole = HttpAnswer(200, body, self._headers(block))
            self.ended = True
            self._reply.send(whole)

    def refuse(self, block: bytes) -> None:
        """The status is among the headers."""
        if self.ended:
            return
        answer = HttpAnswer(200, b"", self._headers(block))
        self.ended = True
        length = self.head.length
        if not self.remote_ended and (length is None or length > COUNTED_BYTES):
            answer = closing(answer)
        self._reply.send(answer)

    def _give_up(self, error: RequestError) -> None:
        """End a call whose body cannot be read."""
        user, self._user = self._user, None
        if user is not None:
            user.leave()
        self._service.grpc.refuse(self, error)

    def _encode(self, data: bytes) -> bytes:
        return base64.b64encode(data) if self._plan.writes_text else data

    def _headers(self, block: bytes) -> HeaderList:
        # The request writes its id by itself.
        own = [
            header
            for header in _read(block)
            if header[0] not in (_CONTENT_TYPE, _REQUEST_ID) and not header[0].startswith(b":")
        ]
        headers = [*self._plan.headers, *own]
        if self._plan.is_foreign:
            shown = dict.fromkeys([name for name, _ in own] + [_REQUEST_ID])
            headers.append((b"access-control-expose-headers", b", ".join(shown)))
        return headers


def _media_type(content_type: bytes) -> bytes | None:
    """The form of the body; None if its messages have a format that is not known."""
    media, plus, rest = content_type.partition(b";")[0].strip().lower().partition(b"+")
    return media if media in (_BINARY, _TEXT) and plus + rest in (b"", _FORMAT) else None


def _writes_text(head: Head, media: bytes) -> bool:
    """The form that the client asks for, or that of its request."""
    accepted = ",".join(head.values(b"accept")).encode("latin-1").lower()
    if _TEXT in accepted:
        return True
    return media == _TEXT and _BINARY not in accepted


def _read(block: bytes) -> HeaderList:
    return HeaderDecoder(most_bytes=_MOST_HEADERS).decode(block)


def _trailer_frame(block: bytes) -> bytes:
    lines = b"".join([b"%b: %b\r\n" % header for header in _read(block)])
    return _TRAILERS + len(lines).to_bytes(4, "big") + lines


def _refusal(status: int, detail: str, more: HeaderList | None = None) -> HttpAnswer:
    headers = [(_CONTENT_TYPE, b"application/json"), *(more or [])]
    return closing(HttpAnswer(status, json.dumps({"detail": detail}).encode(), headers))
