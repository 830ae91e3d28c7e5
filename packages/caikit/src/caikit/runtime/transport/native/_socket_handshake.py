"""Requests for a WebSocket, until they are granted or refused."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING

from wsproto.utilities import generate_accept_token

from caikit.runtime.engine import RequestError
from caikit.runtime.transport.http_messages import HttpAnswer, SocketEndpoint

from ._heads import Head
from ._permission import Verdict, ask

if TYPE_CHECKING:
    from ._http1_exchange import Exchange
    from ._http_service import HttpService

_VERSION = b"13"
_KEY_BYTES = 16


class Handshake:
    """Waits for the whole request and for the guard, then lets the WebSocket begin."""

    reads_by_itself = False

    def __init__(
        self, service: HttpService, endpoint: SocketEndpoint, head: Head, exchange: Exchange, key: bytes
    ) -> None:
        self._service = service
        self._endpoint = endpoint
        self._head = head
        self._exchange = exchange
        self._key = key
        self._verdict: Verdict | None = None
        self._complete = False
        self._over = False

    def wait_for(self, verdict: Verdict) -> None:
        """Do nothing before the guard has decided."""
        self._verdict = verdict
        verdict.settle(self._exchange.connection, self._be_judged)

    # What the connection tells

    def receive(self, chunk: bytes) -> None:
        """A handshake has no body that anybody reads."""

    def complete(self) -> None:
        self._complete = True
        self._go_on()

    def leave(self) -> None:
        self._over = True

    def resume(self) -> None:
        """Nothing was written yet."""

    def check(self, now: float) -> None:
        """The guard takes no longer than it may."""

    def stop(self) -> None:
        self._answer(self._service.stopped())

    # The decision

    def _be_judged(self) -> None:
        refusal = None if self._verdict is None else self._verdict.refusal
        self._verdict = None
        if refusal is not None:
            self._refuse(refusal)
        else:
            self._go_on()

    def _go_on(self) -> None:
        if self._over or not self._complete or self._verdict is not None:
            return
        refusal = self._service.gate.refusal()
        if refusal is not None:
            self._refuse(refusal)
            return
        self._over = True
        headers = [
            (b"upgrade", b"websocket"),
            (b"connection", b"Upgrade"),
            (b"sec-websocket-accept", generate_accept_token(self._key)),
        ]
        self._exchange.switch(headers, self._service, self._endpoint)

    def _refuse(self, error: RequestError) -> None:
        self._answer(self._service.application.refuse(error))

    def _answer(self, answer: HttpAnswer) -> None:
        if not self._over:
            self._over = True
            self._exchange.send(answer)


def begin_handshake(service: HttpService, head: Head, exchange: Exchange) -> Handshake | None:
    """Look at a request for a WebSocket; None if it was refused."""
    endpoint = service.application.sockets.get(head.request.path)
    if endpoint is None:
        exchange.send(service.application.missing(head.request))
        return None
    key = _find_key(head)
    if isinstance(key, HttpAnswer):
        exchange.send(key)
        return None
    handshake = Handshake(service, endpoint, head, exchange, key)
    if endpoint.guard is not None:
        verdict = ask(endpoint.guard, head.values(b"authorization"), exchange.connection)
        if verdict.undecided is not None:
            handshake.wait_for(verdict)
        elif verdict.refusal is not None:
            exchange.send(service.application.refuse(verdict.refusal))
            return None
    return handshake


def _find_key(head: Head) -> bytes | HttpAnswer:
    given = dict(head.headers)
    if given.get(b"sec-websocket-version") != _VERSION:
        return _complaint(426, "Expected version 13 of WebSocket", (b"sec-websocket-version", _VERSION))
    key = given.get(b"sec-websocket-key", b"")
    try:
        length = len(base64.b64decode(key, validate=True))
    except binascii.Error:
        length = 0
    if length != _KEY_BYTES:
        return _complaint(400, "Expected 16 bytes in base64 as sec-websocket-key")
    return key


def _complaint(status: int, detail: str, *headers: tuple[bytes, bytes]) -> HttpAnswer:
    body = json.dumps({"detail": detail}).encode()
    return HttpAnswer(status, body, [(b"content-type", b"application/json"), *headers])
