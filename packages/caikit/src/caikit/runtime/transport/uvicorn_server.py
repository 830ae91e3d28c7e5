"""Runs an ASGI application with uvicorn, in a thread of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from typing import Any

import uvicorn

__all__ = ["UvicornServer"]

_START_SECONDS = 30.0


class UvicornServer:
    """Serves one application on one bound socket."""

    def __init__(
        self,
        app: Any,
        listener: socket.socket,
        *,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self._listener = listener
        config = uvicorn.Config(
            app,
            **{"log_config": None, "access_log": False, "lifespan": "off", **(settings or {})},
        )
        # Key files are read here, so that a wrong one stops the server from being built.
        config.load()
        self.server = _Server(config)
        self._thread = threading.Thread(target=self._run, name="caikit_http", daemon=True)
        self._failure: BaseException | None = None

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
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()
