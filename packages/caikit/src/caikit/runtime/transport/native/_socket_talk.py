"""A conversation over a WebSocket: takes messages to a worker, and what that says back to the client."""

from __future__ import annotations

import time
from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from caikit.runtime.engine import RequestError, Status
from caikit.runtime.transport._asgi_jobs import broken
from caikit.runtime.transport._line_feed import silent
from caikit.runtime.transport._message_feed import MessageFeed, SocketPump
from caikit.runtime.transport._out_line import OutLine, produce
from caikit.runtime.transport.http_messages import SocketClose, SocketEndpoint

from ._heads import Head, make_context

if TYPE_CHECKING:
    from ._http_service import HttpService
    from ._socket import SocketConnection


class Talk:
    """No worker waits for a client that has said nothing yet."""

    def __init__(
        self,
        connection: SocketConnection,
        service: HttpService,
        endpoint: SocketEndpoint,
        head: Head,
        request_id: str,
    ) -> None:
        self.begun = False
        self._connection = connection
        self._service = service
        self._endpoint = endpoint
        self._context = make_context(head, connection, request_id)
        self._since = time.monotonic()
        self._pump_in: SocketPump | None = None
        self._line: OutLine[bytes | SocketClose] = OutLine(
            connection.hub, self._pump, stall_seconds=service.stall_seconds
        )
        self._failed = False
        self._over = False

    def begin(self, first: MutableMapping[str, Any]) -> None:
        """The first message has come."""
        self.begun = True
        service = self._service
        refusal = service.gate.refusal()
        if refusal is not None:
            self._refuse(refusal)
            return
        feed = MessageFeed(
            self._connection.hub,
            self._context.cancel,
            service.gate.bytes_held.open(),
            stall_seconds=service.stall_seconds,
        )
        self._pump_in = SocketPump(
            self._connection.receive,
            feed,
            first,
            self._context.cancel,
            longest_message=service.max_body_size,
        ).start(self._connection.hub.loop, self.leave)
        service.workers.submit(self._work, iter(feed), refuse=self._refuse_overdue)

    def resume(self) -> None:
        """The client reads again."""
        self._pump()

    def leave(self) -> None:
        """The client has gone, or must go."""
        if self._pump_in is not None and self._pump_in.verdict is not None:
            self._connection.say(self._pump_in.verdict)
        self._end()

    def check(self, now: float) -> None:
        limit = self._service.stall_seconds
        if not self.begun and limit is not None and now - self._since > limit:
            self.begun = True
            self._refuse(silent(limit))

    def stop(self) -> None:
        self._context.cancel.cancel("stopped with the server", Status.UNAVAILABLE)

    def _refuse(self, error: RequestError) -> None:
        for item in self._service.application.refuse_socket(error):
            self._connection.say(item)
        self._end()

    def _refuse_overdue(self, messages: Iterator[bytes]) -> None:
        """In place of `_work`, after a long wait for a worker."""
        self._connection.hub.call(self._refuse, self._service.gate.overdue())

    def _work(self, messages: Iterator[bytes]) -> None:
        try:
            produce(self._line, self._endpoint.converse(self._context, messages), self._context)
        except BaseException:
            self._failed = True
            raise
        finally:
            self._line.finish()

    def _pump(self) -> None:
        if self._over or not self._connection.writable:
            return
        for item in self._line.take():
            self._connection.say(item)
        if not self._line.ended:
            return
        if self._failed:
            self._refuse(broken())
        elif self._line.stalled:
            self._connection.abort()
        self._end()

    def _end(self) -> None:
        if self._over:
            return
        self._over = True
        # The producer ends at its next item, whether or not it looks at the token.
        self._context.cancel.cancel()
        self._line.close()
        if self._pump_in is not None:
            self._pump_in.stop()
