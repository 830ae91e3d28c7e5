"""The event loop of a native server, in a thread of its own: listens, accepts, ends."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
import threading
import time
from functools import partial
from typing import Any

import alog

from caikit.runtime.transport._closing_ports import close_ports
from caikit.runtime.transport._last_requests import LOOK_SECONDS, LastRequests

from ._connection import Connection
from ._departure import Departure, Protocol
from ._grpc_service import GrpcService
from ._http1 import Http1Connection
from ._http2 import Http2Connection
from ._http_service import HttpService
from ._hub import Hub
from ._limits import Limits
from ._opening import Opening
from ._services import Services

log = alog.use_channel("SERVR-NATIVE")

_START_SECONDS = 30.0
_TICK_SECONDS = 0.25
# A client that does not say goodbye to the encryption is not waited for.
_TLS_FAREWELL_SECONDS = 1.0
_BACKLOG = 2048
# How long cancelled requests may take to say so to their clients.
_FAREWELL_SECONDS = 1.0


class NativeServer:
    """Serves HTTP, gRPC or both on any number of sockets."""

    def __init__(
        self,
        *,
        http: HttpService | None = None,
        grpc: GrpcService | None = None,
        limits: Limits | None = None,
        name: str = "caikit_native",
        awaits_other: bool = False,
    ) -> None:
        """`awaits_other`: what is missing joins later; until then it is unavailable."""
        self._services = Services(http, grpc, awaits_other=awaits_other)
        self._departures: dict[Protocol, Departure] = {}
        self._expect(http, grpc)
        self._tasks: set[asyncio.Task[None]] = set()
        self._lock = threading.Lock()
        self._limits = limits or Limits()
        self._sockets: list[tuple[socket.socket, ssl.SSLContext | None]] = []
        self._more: list[Any] = []
        """What listens since after the start."""
        self._connections: set[Connection] = set()
        self._hub: Hub | None = None
        self._ready = threading.Event()
        self._ended = threading.Event()
        self._wake: asyncio.Event | None = None
        self._stop_at: float | None = None
        self._failure: BaseException | None = None
        self.last_tick: float | None = None
        """When the event loop has turned, in seconds of `time.monotonic`; None before it does."""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    # Called from any thread

    def add_socket(self, listener: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Serve on a bound socket. With TLS the client chooses the version of HTTP."""
        listener.setblocking(False)
        self._sockets.append((listener, tls))
        hub = self._hub
        if hub is not None:
            asyncio.run_coroutine_threadsafe(self._listen_too(listener, tls), hub.loop).result(_START_SECONDS)

    def join_in(
        self, *, http: HttpService | None = None, grpc: GrpcService | None = None, limits: Limits
    ) -> None:
        """Serve this, too, from now on; the limits are those of new connections."""
        services = self._services
        services.http, services.grpc = http or services.http, grpc or services.grpc
        self._limits = limits
        self._expect(http, grpc)
        if self._hub is None or self._ended.is_set():
            services.arrange()
            return
        arranged = threading.Event()
        self._hub.call(services.arrange)
        self._hub.call(arranged.set)
        arranged.wait(_START_SECONDS)

    def _expect(self, http: HttpService | None, grpc: GrpcService | None) -> None:
        """Whoever is served will leave."""
        if http is not None:
            self._departures["http"] = Departure("http")
        if grpc is not None:
            self._departures["grpc"] = Departure("grpc")

    @property
    def running(self) -> int:
        """Requests that have come and are not answered."""
        return 0 if self._hub is None else self._hub.running

    def start(self) -> None:
        """Serve; returns when connections are accepted. Another call does nothing more."""
        with self._lock:
            if self._thread.ident is None:
                self._thread.start()
        if not self._ready.wait(_START_SECONDS) or self._failure is not None:
            raise RuntimeError("The server could not be started") from self._failure

    def stop(self, grace_seconds: float) -> threading.Event:
        """Accept nothing more and finish the running requests in time. Returns at once what is set at the end."""
        if self._thread.ident is None:
            self._close_sockets()
            self._ended.set()
            return self._ended
        end = time.monotonic() + grace_seconds
        if self._stop_at is None or end < self._stop_at:
            self._stop_at = end
        hub, wake = self._hub, self._wake
        if hub is not None and wake is not None:
            hub.call(wake.set)
        return self._ended

    def leave(self, protocol: Protocol, grace_seconds: float) -> threading.Event:
        """Stop serving a protocol, and stop altogether with the last one. Returns at once what is set at the end."""
        with self._lock:
            departure = self._departures[protocol]
            first = not departure.has_begun
            departure.begin(time.monotonic() + grace_seconds)
            leaving = [each for each in self._departures.values() if each.has_begun]
        if len(leaving) == len(self._departures):
            self.stop(max(each.end for each in leaving) - time.monotonic())
        elif self._hub is None:
            departure.over.set()
        elif first:
            self._hub.call(self._see_off, departure)
        if self._ended.is_set():
            departure.over.set()
        return departure.over

    def departed(self, protocol: Protocol) -> threading.Event:
        """What is set when a protocol is served no more."""
        return self._departures[protocol].over

    @property
    def is_stopping(self) -> bool:
        return self._stop_at is not None or self._ended.is_set()

    def force_stop(self) -> None:
        """Do not wait for anything."""
        self.stop(0)

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the server has ended; tells whether it has."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def wait_for_termination(self, timeout: float | None = None) -> bool:
        """True if the time was over before the server was stopped."""
        return not self._ended.wait(timeout)

    # The thread of the event loop

    def _run(self) -> None:
        loop = _make_loop()
        try:
            loop.run_until_complete(self._serve(loop))
        except BaseException as error:
            self._failure = error
            if self._ready.is_set():
                log.error("<RUN51820338E>", "The server has ended: %r", error, exc_info=True)
        finally:
            self._close_sockets()
            loop.close()
            self._ended.set()
            self._ready.set()
            for departure in list(self._departures.values()):
                departure.over.set()

    async def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        hub = self._hub = Hub(loop)
        wake = self._wake = asyncio.Event()
        servers = [await self._listen(loop, *each) for each in self._sockets]
        ticks = loop.create_task(self._tick(hub))
        try:
            self.last_tick = time.monotonic()
            self._ready.set()
            if self._stop_at is None:
                await wake.wait()
            await close_ports(self._sockets, [*servers, *self._more], self._open)
            await self._finish(hub)
        finally:
            ending = [ticks, *self._tasks]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)

    async def _listen_too(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        assert self._hub is not None  # noqa: S101 - the loop runs
        self._more.append(await self._listen(self._hub.loop, listener, tls))

    async def _listen(
        self, loop: asyncio.AbstractEventLoop, listener: socket.socket, tls: ssl.SSLContext | None
    ) -> Any:
        settings: dict[str, Any] = {"sock": listener, "ssl": tls, "backlog": _BACKLOG}
        if tls is not None and (sys.version_info >= (3, 11) or not isinstance(loop, asyncio.BaseEventLoop)):
            settings["ssl_shutdown_timeout"] = _TLS_FAREWELL_SECONDS
        if listener.family == getattr(socket, "AF_UNIX", None):
            return await loop.create_unix_server(self._open, **settings)
        return await loop.create_server(self._open, **settings)

    async def _finish(self, hub: Hub) -> None:
        """Stop in stages: take nothing new, let run what runs, cancel the rest, close."""
        hub.draining = True
        if self._services.grpc is not None:
            self._services.grpc.drain()
        for connection in list(self._connections):
            connection.drain()
        last_requests = LastRequests()
        while self._connections and time.monotonic() < (self._stop_at or 0.0):
            last_requests.look(self._connections)
            for departure in list(self._departures.values()):
                if departure.has_begun:
                    departure.go_on(list(self._connections))
            await asyncio.sleep(LOOK_SECONDS)
        for connection in list(self._connections):
            connection.stop()
        hub.flush()
        end = time.monotonic() + _FAREWELL_SECONDS
        while self._connections and time.monotonic() < end:
            await asyncio.sleep(LOOK_SECONDS)
        for connection in list(self._connections):
            connection.abort()
        # What was aborted is told so by the next turn of the loop.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def _tick(self, hub: Hub) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            hub.tick()
            self.last_tick = now = time.monotonic()
            for connection in list(self._connections):
                try:
                    connection.check(now)
                except Exception as error:
                    log.error("<RUN51820339E>", "A connection is broken: %r", error, exc_info=True)
                    connection.abort()

    def _open(self) -> Connection:
        assert self._hub is not None  # noqa: S101 - set before anything is accepted
        common = (self._hub, self._limits, self._connections)
        return Opening(
            *common,
            open_http1=partial(Http1Connection, *common, services=self._services),
            open_http2=partial(Http2Connection, *common, services=self._services),
        )

    def _see_off(self, departure: Departure) -> None:
        assert self._hub is not None  # noqa: S101 - called in its loop
        task = self._hub.loop.create_task(departure.go_alone(self._hub, self._services, self._connections))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _close_sockets(self) -> None:
        for listener, _ in self._sockets:
            listener.close()


def _make_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
