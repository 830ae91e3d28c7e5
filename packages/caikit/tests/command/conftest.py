"""Servers started by `caikit serve`, and the command `caikit` in pipes and in a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import pty
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from command_places import CERTS, CLEAN, COMMAND, LIBRARY, SECONDS, SHIM

SETTINGS = """
runtime:
  local_models_dir: models
  lazy_load_local_models: true
  lazy_load_poll_period_seconds: 0.2
  lazy_load_write_detection_period_seconds: 0
  training: {output_dir: models, save_with_id: false}
  grpc: {host: 127.0.0.1, unix_socket_path: "", server_shutdown_grace_period_seconds: 1}
  http: {host: 127.0.0.1, server_shutdown_grace_period_seconds: 1}
data_streams: {file_source_base: data}
"""


# Not in `preexec_fn`: for that gRPC, which this process uses too, starts threads in the child, and they print.
TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@dataclass
class Result:
    """What a command has printed."""

    code: int
    out: str
    err: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Result]


@pytest.fixture
def caikit(tmp_path: Path) -> Run:
    """Runs the command in pipes, by default in an empty folder."""

    def run(*arguments: str, stdin: str = "", cwd: Path | None = None, **environment: str) -> Result:
        done = subprocess.run(
            [*COMMAND, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            cwd=cwd or tmp_path,
            env={**CLEAN, **environment},
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process, which saves its start; nothing that imports a library."""
    from caikit.command import main

    def run(*arguments: str, stdin: str = "", **environment: str) -> Result:
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            for name in set(os.environ) - set(CLEAN):
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            code = main(arguments)
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture
def terminal(tmp_path: Path) -> Run:
    """Runs the command in a terminal; `keys` are pressed one after the other when their texts have appeared."""

    def run(
        *arguments: str,
        keys: Sequence[tuple[str, str]] = (),
        columns: int = 100,
        cwd: Path | None = None,
        **environment: str,
    ) -> Result:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", TAKE_TERMINAL, *COMMAND, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd or tmp_path,
            env={**CLEAN, "TERM": "xterm", **environment},
            start_new_session=True,
        )
        os.close(slave)
        try:
            output = _watch(master, list(keys))
            return Result(process.wait(SECONDS), output.decode().replace("\r\n", "\n"))
        finally:
            process.kill()
            process.wait()
            os.close(master)

    return run


def _watch(master: int, keys: list[tuple[str, str]]) -> bytes:
    output, seen = b"", 0
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.1)[0]:
            try:
                output += os.read(master, 1 << 16)
            except OSError:  # the other side is closed
                return output
        if keys:
            found = output.find(keys[0][0].encode(), seen)
            if found >= 0:
                seen = found + len(keys[0][0])
                os.write(master, keys.pop(0)[1].encode())
    raise AssertionError(output)


@dataclass
class Server:
    """A process of `caikit serve`."""

    process: subprocess.Popen[str]
    folder: Path
    ready: dict[str, Any] = field(default_factory=dict)

    def address(self, protocol: str) -> str:
        return str(self.ready[protocol])

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        try:
            return self.process.wait(SECONDS / 2)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # Python tells where its threads are
            self.process.wait(5)
            raise AssertionError(self.log[-8000:]) from None


def start(folder: Path, *arguments: str, **environment: str) -> Server:
    """Serve what a folder holds; returns when the server says that it is ready."""
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--grpc-port", "0", "--http-port", "0", "--no-metrics", *arguments],
            cwd=folder,
            env={**CLEAN, "PYTHONFAULTHANDLER": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    server = Server(process, folder)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, server.log
    server.ready = json.loads(line)
    return server


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts a server for one test."""
    with contextlib.ExitStack() as stack:

        def make(folder: Path, *arguments: str, **environment: str) -> Server:
            server = start(folder, *arguments, **environment)
            stack.callback(_end, server)
            return server

        yield make


def _end(server: Server) -> None:
    server.process.kill()
    server.process.communicate()


def start_golden(folder: Path, *arguments: str) -> Server:
    shutil.copytree(LIBRARY, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "settings.yml").write_text(SETTINGS)
    return start(folder, "golden_lib", "--config", "settings.yml", *arguments, PYTHONPATH=str(SHIM))


@pytest.fixture(scope="session")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the golden library, which all tests of this process share."""
    server = start_golden(tmp_path_factory.mktemp("golden"))
    yield server
    _end(server)


@pytest.fixture(scope="session")
def golden_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The same, which asks clients for a certificate."""
    files = ["--tls-key", str(CERTS / "server.key"), "--tls-cert", str(CERTS / "server.pem")]
    server = start_golden(
        tmp_path_factory.mktemp("tls"),
        *files,
        "--tls-client-ca",
        str(CERTS / "ca.pem"),
        "--host",
        "localhost",
    )
    yield server
    _end(server)


@pytest.fixture
def certs() -> Path:
    """The folder of keys and certificates; the authority `ca` has signed the server's and the client's."""
    return CERTS


@pytest.fixture(params=["grpc", "http"])
def address(request: pytest.FixtureRequest, golden: Server) -> str:
    """Where the golden library is served, over each protocol."""
    return golden.address(request.param)


@pytest.fixture
def listener() -> Iterator[Callable[[bytes], tuple[int, list[bytes]]]]:
    """Makes servers that give one answer to whatever comes; with their port and what has come."""
    with contextlib.ExitStack() as stack:

        def make(answer: bytes) -> tuple[int, list[bytes]]:
            received: list[bytes] = []
            listening = socket.create_server(("127.0.0.1", 0))

            def accept() -> None:
                with contextlib.suppress(OSError):
                    while True:
                        connected, _ = listening.accept()
                        with connected:
                            received.append(connected.recv(1 << 16))
                            connected.sendall(answer)

            thread = threading.Thread(target=accept)
            thread.start()
            stack.callback(thread.join, 5)
            stack.callback(listening.close)
            stack.callback(lambda: listening.shutdown(socket.SHUT_RDWR))
            return listening.getsockname()[1], received

        yield make
