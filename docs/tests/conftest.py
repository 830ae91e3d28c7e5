"""Follow a page: write its files and run its commands, in its order, in an empty folder."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
INSTALL_SECONDS = 300
SERVE = re.compile(r"(python -m caikit\.runtime|caikit serve( .*)?)$")
DOCUMENTED_PORTS = ("8080", "8085")
METRICS_PORT = "8086"
UNASSIGNED_PORTS = (16_000, 32_000)


class Block(NamedTuple):
    file: str | None
    language: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    pattern = r"^(?:`([^`\n]+)`:\n\n)?```(\w+)\n(.*?)^```$"
    for path, language, text in re.findall(pattern, page.read_text(), re.DOTALL | re.MULTILINE):
        yield Block(Path(path).name or None, language, text)


def free_port() -> str:
    """One that the system gives to nobody who asks for any port, as other tests do."""
    while True:
        port = random.SystemRandom().randrange(*UNASSIGNED_PORTS)
        with contextlib.suppress(OSError), socket.create_server(("", port)):
            return str(port)


class Terminal:
    """Runs commands in a folder, with the page's ports replaced by free ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.command_seconds = 30
        self.start_seconds = 20
        self._state = folder / ".working-directory"
        self.server: subprocess.Popen[bytes] | None = None
        self.metrics_port = METRICS_PORT
        self.ports = [free_port() for _ in DOCUMENTED_PORTS]
        self.environment = os.environ | {
            "CAIKIT": str(ROOT),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "RUNTIME_HTTP_PORT": self.ports[0],
            "RUNTIME_GRPC_PORT": self.ports[1],
            "RUNTIME_METRICS_ENABLED": "false",
        }

    def adapt(self, text: str) -> str:
        for documented, free in zip(DOCUMENTED_PORTS, self.ports, strict=True):
            text = text.replace(f"localhost:{documented}", f"localhost:{free}")
        return text.replace(f"localhost:{METRICS_PORT}", f"localhost:{self.metrics_port}")

    def run(self, command: str) -> str:
        lines = self.adapt(command).splitlines()
        if SERVE.search(lines[-1]):
            self.shell("\n".join(lines[:-1]))
            self.serve(lines[-1])
            return ""
        return self.shell("\n".join(lines))

    def shell(self, command: str) -> str:
        """Run commands; the folder and the virtual environment that they change to stay in force."""
        result = subprocess.run(
            ["bash", "-ec", f"{command}\nprintf '%s\\n' \"$PWD\" \"$PATH\" >'{self._state}'"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS if "pip install" in command else self.command_seconds,
            check=False,
        )
        assert result.returncode == 0, (command, result.stdout, result.stderr)
        folder, self.environment["PATH"] = self._state.read_text().splitlines()
        self.folder = Path(folder)
        return result.stdout

    def serve(self, command: str) -> None:
        with (self.folder / "server.log").open("w") as log:
            self.server = subprocess.Popen(
                ["bash", "-c", re.sub(r"^((?:\w+=\S+ )*)", r"\1exec ", command)],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + self.start_seconds
        for port in self.ports:
            while True:
                try:
                    socket.create_connection(("localhost", int(port)), timeout=1).close()
                    break
                except OSError:
                    assert time.monotonic() < deadline, self.log()
                    assert self.server.poll() is None, self.log()
                    time.sleep(0.05)

    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    def show_metrics(self) -> None:
        self.metrics_port = port = free_port()
        self.environment |= {"RUNTIME_METRICS_ENABLED": "true", "RUNTIME_METRICS_PORT": port}

    def follow(self, page: Path, *, install: bool) -> None:
        """A block below "`NAME`:" is a file, `sh` is typed, `text` is what the commands before it print."""
        if f"localhost:{METRICS_PORT}" in page.read_text():
            self.show_metrics()
        printed = ""
        ids = {"training": "", "prediction": ""}
        for block in blocks(page):
            if block.file:
                (self.folder / block.file).write_text(self.adapt(block.text))
            elif block.language == "sh" and (install or "pip install" not in block.text):
                command = block.text
                for kind, job_id in ids.items():
                    command = command.replace(f"{kind.upper()}_ID", job_id)
                printed = self.run(command)
                if "management/trainings" in command or "/job?" in command:
                    printed = self.repeat_until_finished(command)
            elif block.language == "text":
                self.compare(block.text, printed)
                ids |= dict(re.findall(r'"(training|prediction)_id": "([^"]+)"', printed))

    def compare(self, expected: str, printed: str) -> None:
        pattern = re.escape(expected.strip()).replace(r"\.\.\.", ".*")
        assert re.fullmatch(pattern, printed.strip()), printed

    def repeat_until_finished(self, command: str) -> str:
        deadline = time.monotonic() + self.command_seconds
        while '"RUNNING"' in (printed := self.run(command)) or '"QUEUED"' in printed:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return printed

    def stop(self) -> None:
        assert self.server
        self.server.send_signal(signal.SIGINT)
        assert self.server.wait(20) == 0, self.log()
        assert "Traceback" not in self.log()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    if shutil.which("curl") is None:
        pytest.skip("the commands of the pages use curl")
    terminal = Terminal(tmp_path)
    yield terminal
    if terminal.server and terminal.server.poll() is None:
        terminal.server.kill()
        terminal.server.wait()
