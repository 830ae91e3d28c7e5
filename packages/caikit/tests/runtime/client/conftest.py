"""Servers of the golden library in processes of their own, and clients of them in this one."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

TESTS = Path(__file__).parents[2]
LIBRARY = TESTS / "golden" / "lib"
SHIM = TESTS / "golden" / "shim"
CERTS = TESTS / "runtime" / "servers" / "certs"
START_SECONDS = 40

TLS = {
    "plain": {},
    "tls": {"server": {"key": str(CERTS / "server.key"), "cert": str(CERTS / "server.pem")}},
}
TLS["mtls"] = {**TLS["tls"], "client": {"cert": str(CERTS / "ca.pem")}}
CLIENT_TLS: dict[str, dict[str, Any]] = {
    "plain": {},
    "tls": {"enabled": True, "ca_file": str(CERTS / "ca.pem")},
}
CLIENT_TLS["mtls"] = {
    **CLIENT_TLS["tls"],
    "cert_file": str(CERTS / "client.pem"),
    "key_file": str(CERTS / "client.key"),
}


@dataclass
class Server:
    """A server process."""

    process: subprocess.Popen[bytes]
    folder: Path
    ports: dict[str, int] = field(default_factory=dict)

    def connection(self, protocol: str, **more: Any) -> dict[str, Any]:
        """The settings of a connection to it."""
        return {"hostname": "localhost", "port": self.ports[protocol], "timeout": 20, **more}

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text()


def start_server(folder: Path, **runtime: Any) -> Server:
    """Serve the golden library with its models; keywords are settings of the section `runtime`."""
    shutil.copytree(LIBRARY, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    settings: dict[str, Any] = {
        "library": "golden_lib",
        "local_models_dir": str(folder / "models"),
        "lazy_load_local_models": True,
        "lazy_load_poll_period_seconds": 0.2,
        "lazy_load_write_detection_period_seconds": 0,
        "training": {"output_dir": str(folder / "models"), "save_with_id": False},
        "grpc": {
            "port": 0,
            "host": "127.0.0.1",
            "unix_socket_path": "",
            "server_shutdown_grace_period_seconds": 1,
        },
        "http": {"port": 0, "host": "127.0.0.1", "server_shutdown_grace_period_seconds": 1},
        "metrics": {"enabled": False},
        **runtime,
    }
    config = {"runtime": settings, "data_streams": {"file_source_base": str(folder / "data")}}
    (folder / "server.yml").write_text(yaml.safe_dump(config))
    environment = {
        **os.environ,
        "CONFIG_FILES": str(folder / "server.yml"),
        "PYTHONPATH": os.pathsep.join([str(folder), str(SHIM)]),
    }
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "caikit.runtime"], cwd=folder, env=environment, stdout=log, stderr=log
        )
    server = Server(process, folder)
    deadline = time.monotonic() + START_SECONDS
    while len(server.ports) < 2:
        assert process.poll() is None, server.log
        assert time.monotonic() < deadline, server.log
        time.sleep(0.02)
        for line in server.log.splitlines():
            for protocol in ("grpc", "http"):
                _, mark, after = line.partition(f"serving {protocol} on port: ")
                if mark:
                    server.ports[protocol] = int(after.split()[0])
    return server


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Server]]:
    """The server of a kind (plain, tls, mtls), which all tests of this process share."""
    started: dict[str, Server] = {}

    def get(kind: str) -> Server:
        if kind not in started:
            started[kind] = start_server(tmp_path_factory.mktemp(kind), tls=TLS[kind])
        return started[kind]

    yield get
    for server in started.values():
        server.kill()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server for one test."""
    started: list[Server] = []

    def make(**runtime: Any) -> Server:
        server = start_server(tmp_path / f"server{len(started)}", **runtime)
        started.append(server)
        return server

    yield make
    for server in started:
        server.kill()


@pytest.fixture(scope="session")
def golden() -> Iterator[SimpleNamespace]:
    """The golden library, imported into this process."""
    paths = [str(LIBRARY), str(SHIM)]
    sys.path[:0] = paths
    try:
        from golden_lib import data_model, tasks
        from golden_lib.modules import echo, greet, misc

        yield SimpleNamespace(data=data_model, tasks=tasks, greet=greet, echo=echo, misc=misc)
    finally:
        for path in paths:
            sys.path.remove(path)


@pytest.fixture
def client(golden: SimpleNamespace, temp_config: Callable[[dict[str, Any]], None]) -> Callable[..., Any]:
    """Makes something with a method `load`, for remote models; keywords are the configuration of the finder."""

    def make(**finder: Any) -> Any:
        from caikit.core import ModelManager

        # Settings are merged, so each client has names of its own.
        name = uuid.uuid4().hex
        temp_config(
            {
                "runtime": {"library": "golden_lib"},
                "model_management": {
                    "finders": {name: {"type": "REMOTE", "config": finder}},
                    "initializers": {name: {"type": "REMOTE"}},
                },
            }
        )
        manager = ModelManager()
        load = functools.partial(manager.load, finder=name, initializer=name)
        return SimpleNamespace(load=load, finder=lambda: manager.get_finder(name))

    return make


@pytest.fixture
def remote(servers: Callable[[str], Server], client: Callable[..., Any]) -> Callable[..., Any]:
    """Loads a model of the shared server; keywords belong to the connection."""

    def load(model: str, protocol: str, kind: str = "plain", **connection: Any) -> Any:
        info = servers(kind).connection(protocol, tls=CLIENT_TLS[kind], **connection)
        return client(connection=info, protocol=protocol).load(model)

    return load


Handler = Callable[[socket.socket, bytes], None]


class FakeServer:
    """Accepts connections and leaves what is answered to a function, which gets the socket and each request."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        self.sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connected, _ = self._listener.accept()
            except OSError:
                return
            self.sockets.append(connected)
            thread = threading.Thread(target=self._serve, args=(connected,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connected: socket.socket) -> None:
        with contextlib.suppress(OSError), connected:
            while request := self._read_request(connected):
                self.requests.append(request)
                self._handler(connected, request)

    def _read_request(self, connected: socket.socket) -> bytes:
        received = b""
        while b"\r\n\r\n" not in received:
            piece = connected.recv(1 << 16)
            if not piece:
                return b""
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        size = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                size = int(line.split(b":")[1])
        while len(body) < size:
            body += connected.recv(1 << 16)
        return head + b"\r\n\r\n" + body

    def close(self) -> None:
        for each in (self._listener, *self.sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(5)


def http_answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    defaults = {"content-type": "application/json", "content-length": str(len(body))}
    given = {**defaults, **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value)
    return f"HTTP/1.1 {status} Text\r\n{lines}\r\n".encode() + body


def sse_head() -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.fixture
def fake() -> Iterator[SimpleNamespace]:
    """Servers that do what a test says, and the bytes of answers."""
    started: list[FakeServer] = []

    def serve(handler: Handler) -> FakeServer:
        started.append(FakeServer(handler))
        return started[-1]

    yield SimpleNamespace(serve=serve, answer=http_answer, sse_head=sse_head, chunk=chunk)
    for server in started:
        server.close()


@pytest.fixture
def greeter_at(golden: SimpleNamespace, client: Callable[..., Any]) -> Callable[..., Any]:
    """A remote greeter on some port, which is not asked before the first call."""

    def load(port: int, protocol: str = "http", hostname: str = "127.0.0.1", **connection: Any) -> Any:
        info = {"hostname": hostname, "port": port, "timeout": 5, **connection}
        supported = {"greeter": golden.greet.Greeter.MODULE_ID}
        finder = {"connection": info, "protocol": protocol, "supported_models": supported}
        return client(**finder, discover_models=False).load("greeter")

    return load


@pytest.fixture
def certs() -> Callable[[str], str]:
    """The path of a key or certificate; the authority `ca` has signed the server's and the client's."""
    return lambda name: str(CERTS / name)


@pytest.fixture
def module_id(golden: SimpleNamespace) -> str:
    """The id of a module with every flavour."""
    return str(golden.greet.Greeter.MODULE_ID)
