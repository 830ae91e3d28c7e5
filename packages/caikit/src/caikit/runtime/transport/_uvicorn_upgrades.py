"""What uvicorn leaves open: requests that offer another protocol, as HTTP/2 clients do, and go on in this one."""

from __future__ import annotations

import asyncio
from typing import Any

import httptools

from ._uvicorn_pipeline import PipelinedProtocol

_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class StayingProtocol(PipelinedProtocol):
    """One connection that becomes a WebSocket or stays what it is; uvicorn would lose the body of the request."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parser = _Parser(self, self)

    def on_headers_complete(self) -> None:
        # Those who take the upgrade choose the class.
        self.ws_protocol_class = asyncio.Protocol if self.becomes_socket else None
        super().on_headers_complete()

    @property
    def becomes_socket(self) -> bool:
        return (
            self.parser.should_upgrade()
            and self.parser.get_method() == b"GET"
            and any(name == b"upgrade" and value.lower() == b"websocket" for name, value in self.headers)
        )

    def stay(self, rest: bytes) -> None:
        """Go on with what follows the headers, which the parser takes for another protocol."""
        callbacks = _Callbacks(self)
        self.parser = _Parser(callbacks, self)
        framing = [b"%b: %b" % header for header in self.headers if header[0] in _FRAMING]
        if framing:
            # The body is still to come.
            self.cycle.more_body = self._message_open = True
            self.parser.feed_data(b"\r\n".join([b"POST / HTTP/1.1", *framing, b"", b""]))
        callbacks.known = False
        self.parser.feed_data(rest)


class _Parser(httptools.HttpRequestParser):
    """Asks before it leaves the rest of a connection to another protocol."""

    def __init__(self, callbacks: Any, protocol: StayingProtocol) -> None:
        super().__init__(callbacks)
        self._protocol = protocol

    def feed_data(self, data: Any) -> None:
        try:
            super().feed_data(data)
            return
        except httptools.HttpParserUpgrade as upgrade:
            if self._protocol.becomes_socket:
                raise
            (size,) = upgrade.args
        self._protocol.stay(data[size:])


class _Callbacks:
    """Takes what a parser finds to a protocol, except for headers that are known there."""

    def __init__(self, protocol: StayingProtocol) -> None:
        self._protocol = protocol
        self.on_body = protocol.on_body
        self.on_message_complete = protocol.on_message_complete
        self.known = True

    def on_message_begin(self) -> None:
        if not self.known:
            self._protocol.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self.known:
            self._protocol.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.known:
            self._protocol.on_header(name, value)

    def on_headers_complete(self) -> None:
        if not self.known:
            self._protocol.on_headers_complete()
