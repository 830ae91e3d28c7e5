"""Runs an ASGI application with uvicorn, in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any

import uvicorn

from ._closing_ports import close_ports
from ._last_requests import LOOK_SECONDS, LastRequests
from ._uvicorn_protocol import ConnectionLimits, LimitedProtocol, limited_protocol

__all__ = ["ConnectionLimits", "UvicornServer"]

_START_SECONDS = 30.0
# In ticks of uvicorn, which come ten times a second.
_CHECK_TICKS = 5


class UvicornServer:
    """Serves one application on one bound socket."""

    def __init__(
        self,
        app: Any,
        listener: socket.socket,
        *,
        settings: Mapping[str, Any] | None = None,
        limits: ConnectionLimits | None = None,
    ) -> None:
        self._listener = listener
        given = settings or {}
        own = {
            "log_config": None,
            "access_log": False,
            "lifespan": "off",
            # Takes WebSockets; their connections know the right class.
            "ws": asyncio.Protocol,
            "http": limited_protocol(limits or ConnectionLimits(), probed="limit_concurrency" in given),
        }
        config = uvicorn.Config(app, **{**own, **given})
        # Key files are read here, so that a wrong one stops the server from being built.
        config.load()
        self.server = _Server(config)
        self._thread = threading.Thread(target=self._run, name="caikit_http", daemon=True)
        self._failure: BaseException | None = None

    @property
    def last_tick(self) -> float | None:
        """When the event loop has turned, in seconds of `time.monotonic`; None before it does."""
        return self.server.last_tick

    def start(self) -> None:
        """Serve; returns when connections are accepted."""
        self._thread.start()
        if not self.server.ready.wait(_START_SECONDS) or self._failure is not None:
            raise RuntimeError("The HTTP server could not be started") from self._failure

    def stop(self, grace_seconds: float) -> None:
        """Accept no more connections and finish the running requests in time; returns at once."""
        # uvicorn declares whole seconds, but gives the number to asyncio as it is.
        self.server.config.timeout_graceful_shutdown = grace_seconds  # type: ignore[assignment]
        self.server.should_exit = True

    def force_stop(self) -> None:
        """Do not wait for anything."""
        self.server.force_exit = True
        self.server.should_exit = True

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the server has ended; tells whether it has."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        if not self._thread.is_alive():
            self._listener.close()
            return True
        return False

    def _run(self) -> None:
        try:
            self.server.run(sockets=[self._listener])
        except BaseException as error:
            self._failure = error
        finally:
            self.server.ready.set()


class _Server(uvicorn.Server):
    """Tells when it listens, and checks its connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self.last_tick: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.last_tick = time.monotonic()
        self.ready.set()

    async def on_tick(self, counter: int) -> bool:
        self.last_tick = now = time.monotonic()
        if counter % _CHECK_TICKS == 0:
            for connection in list(self.server_state.connections):
                check = getattr(connection, "check", None)
                if check is not None:
                    check(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        listeners = [(listener, self.config.ssl) for listener in sockets or []]
        await close_ports(listeners, self.servers, self._make_protocol)
        await self._serve_last_requests()
        await super().shutdown(sockets)
        for connection in self._guests():
            connection.end()

    async def _serve_last_requests(self) -> None:
        for connection in self._guests():
            connection.drain()
        grace, begin, waited = self.config.timeout_graceful_shutdown, time.monotonic(), 0.0
        last_requests = LastRequests()
        while last_requests.look(self._guests()) and not self.force_exit:
            if grace is not None and waited >= grace:
                break
            await asyncio.sleep(LOOK_SECONDS)
            waited = time.monotonic() - begin
        if grace is not None:
            # As above, asyncio takes it as it is.
            self.config.timeout_graceful_shutdown = max(0.0, grace - waited)  # type: ignore[assignment]

    def _guests(self) -> list[LimitedProtocol]:
        return [each for each in self.server_state.connections if isinstance(each, LimitedProtocol)]

    def _make_protocol(self) -> asyncio.Protocol:
        kind: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = kind(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol
