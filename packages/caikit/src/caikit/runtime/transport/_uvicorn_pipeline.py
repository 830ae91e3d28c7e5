"""What uvicorn leaves open: requests that are sent ahead, and what follows them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sized
from typing import Any, cast

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle


class PipelinedProtocol(HttpToolsProtocol):
    """One connection whose requests are all told when it ends, and are answered before bytes that are no request."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._message_open = False
        # The requests that are not answered yet; all but the first one wait.
        self._unanswered: deque[RequestResponseCycle] = deque()
        self._complaint: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        self.flow = _PatientFlow(self.transport, self._unanswered)

    def data_received(self, data: bytes) -> None:
        if self._complaint is None:
            super().data_received(data)

    def on_message_begin(self) -> None:
        self._message_open = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if not self._in_head:
            self._unanswered.append(self.cycle)

    def on_message_complete(self) -> None:
        self._message_open = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._unanswered.popleft()
        super().on_response_complete()
        if self._complaint is not None and not self._unanswered and not self.transport.is_closing():
            super().send_400_response(self._complaint)

    def send_400_response(self, msg: str) -> None:
        """Called for bytes that are no request, or no body of one."""
        if self._message_open and not self._in_head and not self.cycle.response_complete:
            broken = self._unanswered.pop()
            _disconnect(broken)
            if self._unanswered:
                self.pipeline.popleft()
            elif broken.response_started:
                # Nothing may come between the parts of an answer.
                self.transport.abort()
                return
        self._message_open = False
        if self._unanswered:
            self._complaint = msg
        else:
            super().send_400_response(msg)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.leave()

    def leave(self) -> None:
        """Tell the requests that nobody waits for their answers."""
        for cycle in self._unanswered:
            _disconnect(cycle)

    @property
    def _in_head(self) -> bool:
        return self.cycle is None or self.cycle.scope is not self.scope


def _disconnect(cycle: RequestResponseCycle) -> None:
    """Let it end: what it still answers is not sent."""
    cycle.disconnected = True
    cycle.message_event.set()


class _PatientFlow(FlowControl):
    """Reads nothing while requests wait for the answers of others: uvicorn reads on after each answer."""

    def __init__(self, transport: asyncio.Transport, unanswered: Sized) -> None:
        super().__init__(transport)
        self._unanswered = unanswered

    def resume_reading(self) -> None:
        if len(self._unanswered) < 2:
            super().resume_reading()
