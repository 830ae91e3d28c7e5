"""A text generation server as a child of this process: started, watched, started again when it is lost."""

from __future__ import annotations

import contextlib
import enum
import http.client
import os
import signal
import subprocess
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import alog
import grpc

from caikit.core.exceptions import error_handler

from .tgis_connection import TGISConnection

__all__ = ["ManagedTGISSubprocess", "NotReadyError", "State"]

log = alog.use_channel("TGMANAGE")
error = error_handler.get(log)

_COMMAND = "text-generation-launcher"
_END_SECONDS = 10.0
_RECOVERED_FROM = frozenset(
    {
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.UNKNOWN,
    }
)


class State(enum.Enum):
    """How far the server is."""

    STOPPED = "stopped"
    BOOTING = "booting"
    READY = "ready"


class NotReadyError(grpc.RpcError):
    """A call was made while the server is not there."""

    def __init__(self, state: State) -> None:
        super().__init__(f"the text generation server is {state.value}")
        self._state = state

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE

    def details(self) -> str:
        return str(self)


class ManagedTGISSubprocess:
    """Runs one model; all methods may be called by many threads."""

    def __init__(
        self,
        model_path: str,
        grpc_port: int,
        http_port: int,
        *,
        health_poll_delay: float = 1.0,
        health_poll_timeout: float = 10.0,
        load_timeout: float = 30.0,
        num_gpus: int = 1,
        prompt_dir: str | None = None,
    ) -> None:
        self.model_path = model_path
        self.connection = TGISConnection(
            hostname=f"localhost:{grpc_port}",
            model_id=model_path,
            prompt_dir=prompt_dir,
            grpc_lb_poll_interval_s=0,
        )
        self._command = [
            *(_COMMAND, "--num-shard", str(num_gpus), "--model-name", model_path, "--port", str(http_port))
        ]
        self._grpc_port = grpc_port
        self._http_port = http_port
        self._poll_delay = health_poll_delay
        self._poll_timeout = health_poll_timeout
        self._load_timeout = load_timeout
        self._lock = threading.RLock()
        self._state = State.STOPPED
        self._booted = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._failure: str | None = None
        self._watcher: threading.Thread | None = None
        self._client: Any = None
        self._end: Callable[[], object] = lambda: None

    @property
    def state(self) -> State:
        return self._state

    def is_ready(self) -> bool:
        return self._state is State.READY

    def launch(self) -> None:
        """Start the server, unless that was done; `wait_until_ready` tells how it went."""
        with self._lock:
            if self._state is not State.STOPPED:
                return
            environment = {**os.environ, "GRPC_PORT": str(self._grpc_port)}
            if self.connection.prompt_dir is not None:
                environment["PREFIX_STORE_PATH"] = self.connection.prompt_dir
            log.info("<TGB38212810I>", "Starting %s", " ".join(self._command))
            # A group of its own, because the launcher starts more processes.
            process = subprocess.Popen(self._command, env=environment, start_new_session=True)  # noqa: S603 - configured
            self._process = process
            self._end = weakref.finalize(self, _end_group, process)
            self._state, self._failure = State.BOOTING, None
            self._booted.clear()
            self._watcher = threading.Thread(
                target=self._boot, args=(process,), name="boot of the text generation server", daemon=True
            )
            self._watcher.start()

    def wait_until_ready(self) -> None:
        """Return when the server answers; RuntimeError if it does not come up."""
        # The watcher gives up by itself.
        self._booted.wait(self._load_timeout + self._poll_timeout + _END_SECONDS)
        if not self.is_ready():
            error("<TGB26780910E>", RuntimeError(self._failure or "The TGIS process was stopped"))

    def get_client(self) -> Any:
        """A client with the methods of `GenerationServiceStub`; it stays good when the server is started again."""
        return _GuardedClient(self)

    def method(self, name: str) -> Any:
        """A method of the service at the server that runs now; NotReadyError if there is none."""
        with self._lock:
            if self._state is not State.READY:
                raise NotReadyError(self._state)
            if self._client is None:
                self._client = self.connection.get_client()
            return getattr(self._client, name)

    def recover(self) -> None:
        """Look after the server in the background, and start it again if it does not answer."""
        with self._lock:
            if self._state is State.READY and (self._watcher is None or not self._watcher.is_alive()):
                self._watcher = threading.Thread(
                    target=self._restart_if_lost, name="check of the text generation server", daemon=True
                )
                self._watcher.start()

    def terminate(self) -> None:
        """End the server and what it has started."""
        with self._lock:
            self._state = State.STOPPED
            end, self._end = self._end, lambda: None
            # Connections of the next server do not wait for what this one has missed.
            self._client = self._process = None
        end()
        self._booted.set()

    def _boot(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for the health of a process that was just started."""
        end = time.monotonic() + self._load_timeout
        failure = None
        while not self._is_healthy():
            if process.poll() is not None:
                failure = (
                    "TGIS process terminated while waiting for it to boot with the model"
                    if process.returncode in (0, -signal.SIGTERM, -signal.SIGKILL)
                    else "TGIS failed to boot up with the model. See logs for details"
                )
                break
            if time.monotonic() >= end:
                failure = "TGIS failed to boot up with the model within the timeout"
                break
            time.sleep(min(self._poll_delay, max(0.0, end - time.monotonic())))
        with self._lock:
            if self._process is not process:
                return
            if failure is None:
                self._state = State.READY
        if failure is not None:
            self._failure = failure
            self.terminate()
        self._booted.set()

    def _restart_if_lost(self) -> None:
        process = self._process
        if process is not None and process.poll() is None and self._is_healthy():
            return
        log.warning("<TGB38212811W>", "The text generation server is lost and started again")
        with self._lock:
            if self._process is not process:
                return
            self.terminate()
            self.launch()

    def _is_healthy(self) -> bool:
        connection = http.client.HTTPConnection("localhost", self._http_port, timeout=self._poll_timeout)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class _GuardedClient:
    """Refuses calls while the server is not ready, and has it looked after when calls fail."""

    def __init__(self, server: ManagedTGISSubprocess) -> None:
        self._server = server

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _GuardedCall(self._server, name)


class _GuardedCall:
    """One method of the service."""

    def __init__(self, server: ManagedTGISSubprocess, name: str) -> None:
        self._server = server
        self._name = name

    def __call__(self, request: Any, **options: Any) -> Any:
        try:
            found = self._server.method(self._name)(request, **options)
        except grpc.RpcError as failure:
            self._look_at(failure)
            raise
        if isinstance(found, grpc.Future):
            found.add_done_callback(self._look_at)
        return found

    def future(self, request: Any, **options: Any) -> Any:
        """Begin a call."""
        call = self._server.method(self._name).future(request, **options)
        call.add_done_callback(self._look_at)
        return call

    def _look_at(self, call: Any) -> None:
        if call.code() in _RECOVERED_FROM:
            self._server.recover()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ask a process and its children to end, and end them if they do not."""
    for request in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, request)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)
            return
