"""A server process in a folder of its own, and clients that behave."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import yaml

from .resources import Resources, measure

LIBRARY = Path(__file__).parent / "library"
MODULES = {
    "worker": "50a50000-0000-4000-8000-000000000001",
    "mirror": "50a50000-0000-4000-8000-000000000002",
    "tidier": "50a50000-0000-4000-8000-000000000003",
}
JSON = {"content-type": "application/json"}
_READY_SECONDS = 60.0
_STOP_SECONDS = 20.0
_PORT = re.compile(r"[Ss]erving (http|grpc|prometheus metrics) on port:? (\d+)")


class Server:
    """`python -m caikit.runtime`; works in `root`, keeps temporary files in `temporary`.

    In `notes` are the texts that it has begun to work on, in `started` a file of each training with its process.
    """

    def __init__(
        self,
        folder: Path,
        *,
        library: str = "soak_lib",
        paths: Sequence[Path] = (LIBRARY,),
        settings: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        models: Mapping[str, str] | None = None,
        memory: int | None = None,
        transport: str = "native",
    ) -> None:
        """`models` gives the text of each model's config.yml; `memory` is a limit in MiB of address space."""
        self.root, self.temporary, self.started = folder / "root", folder / "temporary", folder / "started"
        self.models = self.root / "models"
        self.notes, self.log_file = folder / "notes", folder / "server.log"
        for path in (self.models, self.temporary, self.started):
            path.mkdir(parents=True, exist_ok=True)
        if models is None:
            models = {name: f"module_id: {module}\n" for name, module in MODULES.items()}
        for name, text in models.items():
            (self.models / name).mkdir(exist_ok=True)
            (self.models / name / "config.yml").write_text(text)
        layers = [_configuration(library), dict(settings or {})]
        files = [folder / f"config-{number}.yml" for number in range(len(layers))]
        for path, layer in zip(files, layers, strict=True):
            path.write_text(yaml.safe_dump(layer))
        self._environment = {
            **os.environ,
            "CONFIG_FILES": ",".join(map(str, files)),
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "TMPDIR": str(self.temporary),
            "RUNTIME_TRANSPORT": transport,
            "SOAK_NOTES": str(self.notes),
            "SOAK_STARTED": str(self.started),
            **(environment or {}),
        }
        self._memory = memory
        self.ports: dict[str, int] = {}
        self.start()

    # Life

    def start(self) -> None:
        """Start it, or start it again after its end."""
        self.log_file.touch()
        begin = self.log_file.stat().st_size
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "caikit.runtime"],
                cwd=self.root,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        try:
            self._wait_until_ready(begin)
        except BaseException:
            self.close()
            raise
        if self._memory is not None and sys.platform == "linux":
            import resource

            limit = self._memory * 1024 * 1024
            resource.prlimit(self.process.pid, resource.RLIMIT_AS, (limit, limit))

    def _wait_until_ready(self, begin: int) -> None:
        end = time.monotonic() + _READY_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            with self.log_file.open("rb") as log:
                log.seek(begin)
                self.ports = {name: int(port) for name, port in _PORT.findall(log.read().decode())}
            with contextlib.suppress(OSError, http.client.HTTPException):
                if len(self.ports) == 3 and self.request("GET", "/health")[0] == 200:
                    return
            time.sleep(0.02)
        raise RuntimeError(f"The server did not start:\n{self.log()[-4000:]}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; exit status and seconds until the end."""
        start = time.monotonic()
        self.process.send_signal(how)
        return self.process.wait(_STOP_SECONDS), time.monotonic() - start

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_STOP_SECONDS)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def complaints(self, forgiven: str = "$^") -> Counter[str]:
        """What the server has logged as an error, or printed past its log, by code."""
        found: Counter[str] = Counter()
        examples: dict[str, str] = {}
        for text in _entries(self.log().splitlines()):
            if re.search(forgiven, text):
                continue
            record = _read(text.encode())
            code = str(record.get("log_code")) if isinstance(record, dict) else "no log line"
            if "resource_tracker" in text or "semaphore objects" in text:
                continue  # Python tidies up after a process that was killed, and says so
            if isinstance(record, dict) and record["level"] not in ("error", "fatal"):
                continue
            found[examples.setdefault(code, f"{code}: {text[:2000]}")] += 1
        return found

    # Clients that behave

    @property
    def http_address(self) -> tuple[str, int]:
        return "127.0.0.1", self.ports["http"]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['http']}"

    def connection(self, timeout: float = 30) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(*self.http_address, timeout=timeout)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout: float = 30,
    ) -> tuple[int, bytes]:
        with contextlib.closing(self.connection(timeout)) as connection:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.read()

    def post(self, path: str, content: Any, *, timeout: float = 30) -> tuple[int, Any]:
        status, body = self.request("POST", path, json.dumps(content).encode(), JSON, timeout=timeout)
        return status, _read(body)

    def get(self, path: str, method: str = "GET") -> tuple[int, Any]:
        status, body = self.request(method, path)
        return status, _read(body)

    def channel(self) -> grpc.Channel:
        options = [("grpc.use_local_subchannel_pool", 1)]
        return grpc.insecure_channel(f"127.0.0.1:{self.ports['grpc']}", options=options)

    # State

    def resources(self) -> Resources:
        """What the server holds, after it has collected its garbage."""
        status, tidiness = self.post("/api/v1/task/tidy", {"model_id": "tidier", "inputs": "all"})
        if status != 200:
            raise RuntimeError(f"The server does not collect its garbage: {status} {tidiness}")
        return measure(
            self.process.pid, self.temporary, self.ports["prometheus metrics"], tidiness["objects"]
        )


def work(text: str, model_id: str = "worker", **parameters: Any) -> dict[str, Any]:
    """The body of a request for the work task."""
    body: dict[str, Any] = {"model_id": model_id, "inputs": text}
    return {**body, "parameters": parameters} if parameters else body


def _entries(lines: Iterable[str]) -> Iterator[str]:
    """Lines, and tracebacks as a whole."""
    traceback: list[str] = []
    for line in lines:
        if not traceback and not line.startswith("Traceback "):
            yield line
            continue
        traceback.append(line)
        if len(traceback) > 1 and not line.startswith(" "):
            yield "\n".join(traceback)
            traceback = []
    if traceback:
        yield "\n".join(traceback)


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def _configuration(library: str) -> dict[str, Any]:
    return {
        "log": {"level": "info"},
        "runtime": {
            "library": library,
            "local_models_dir": "models",
            "training": {"output_dir": "training_output"},
            "grpc": {"host": "127.0.0.1", "port": 0, "unix_socket_path": ""},
            "http": {"host": "127.0.0.1", "port": 0},
            "metrics": {"host": "127.0.0.1", "port": 0},
        },
    }
