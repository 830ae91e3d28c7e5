"""Model folders that change while they are used."""

from __future__ import annotations

import random
import shutil
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc

from soak.interface import Interface, Method, model
from soak.scenario import Scenario, Stage, option, until
from soak.server import MODULES, Server, work

LAZY = {
    "runtime": {
        "lazy_load_local_models": True,
        "lazy_load_poll_period_seconds": 0.1,
        "lazy_load_write_detection_period_seconds": 0.2,
    }
}
PIECES = 20
PIECE_SECONDS = 0.01
APPEARS = GONE = 10.0
# What a client may be told while the folder is on its way.
ON_ITS_WAY = {200, 404, 503}


@dataclass(frozen=True, kw_only=True)
class ChangingFolders(Scenario):
    """A folder that is written, replaced or deleted under load is served whole or not at all."""

    name = "folders"

    seconds: float = option(25, short=3, help="seconds of writing and deleting")
    models: int = option(6, short=4, help="folders, each with a writer and a reader over each protocol")
    kilobytes: int = option(200, short=100, help="size of a model")

    def run(self, stage: Stage) -> None:
        server = stage.serve(settings=LAZY)
        before = server.resources()
        with server.channel() as channel:
            folders = [
                _Folder(self, stage, server, Interface(channel), channel, index)
                for index in range(self.models)
            ]
            parts = [
                part for folder in folders for part in (folder.write, folder.read_http, folder.read_grpc)
            ]
            end = time.monotonic() + self.seconds
            stage.in_threads(len(parts), lambda index: parts[index](end))
            for folder in folders:
                folder.remove()
                stage.check(
                    until(folder.is_gone, GONE), f"{folder.name} is still served after it was deleted"
                )
        after = server.resources()
        stage.fact("before -> after", before.grown_to(after))
        stage.check(after.megabytes < before.megabytes + 24, "memory grew")
        stage.check(after.other_files <= before.other_files + 4, "files are left open")
        stage.check(after.requests == 0, "requests are still counted as running")
        stage.stop(server)


class _Folder:
    """One model; `written` holds the versions whose files are complete, or will be with the next write."""

    def __init__(
        self,
        options: ChangingFolders,
        stage: Stage,
        server: Server,
        interface: Interface,
        channel: grpc.Channel,
        index: int,
    ) -> None:
        self.name = f"model-{index}"
        self._options, self._stage, self._server, self._channel = options, stage, server, channel
        self._method: Method = interface["WorkTaskPredict"]
        self._chance = random.Random(stage.seed * 1000 + index)
        self._place = server.models / self.name
        self._elsewhere = server.root / "elsewhere" / self.name
        self._elsewhere.mkdir(parents=True)
        self._version = 0
        self._written: set[int] = set()
        self._lock = threading.Lock()

    # Writers

    def write(self, end: float) -> None:
        steps: list[Callable[[], None]] = [self._in_place, self._renamed, self._replaced, self._rewritten]
        while time.monotonic() < end:
            step = self._chance.choice(steps)
            step()
            self._stage.count(f"folder {step.__name__.strip('_').replace('_', ' ')}")

    def _in_place(self) -> None:
        """Written piece by piece where it is served from, and deleted there."""
        self.remove()
        self._expect(self.is_gone, "is served after it was deleted")
        self._fill(self._place, PIECE_SECONDS)
        self._expect(self._is_served, "is not served after it was written")

    def _renamed(self) -> None:
        """Written elsewhere and renamed; renamed again at its end."""
        self.remove()
        self._expect(self.is_gone, "is served after it was deleted")
        self._fill(self._elsewhere / "next", 0)
        (self._elsewhere / "next").rename(self._place)
        self._expect(self._is_served, "is not served after it was renamed")
        self._place.rename(self._elsewhere / "old")
        shutil.rmtree(self._elsewhere / "old")
        self._expect(self.is_gone, "is served after it was renamed")

    def _replaced(self) -> None:
        """Another one takes its place at once; either may answer, and no mixture of both."""
        self._fill(self._elsewhere / "next", 0)
        if self._place.exists():
            self._place.rename(self._elsewhere / "old")
        (self._elsewhere / "next").rename(self._place)
        shutil.rmtree(self._elsewhere / "old", ignore_errors=True)
        self._expect(self._is_served, "is not served after it was replaced")

    def _rewritten(self) -> None:
        """Its files are written over, one after the other, while it is loaded or not."""
        self._fill(self._place, PIECE_SECONDS)
        self._expect(self._is_served, "is not served after it was written over")

    def _fill(self, folder: Path, pause: float) -> None:
        self._version += 1
        ballast = self._chance.randbytes(self._options.kilobytes * 1024)
        folder.mkdir(parents=True, exist_ok=True)
        module, checksum = MODULES["worker"], zlib.crc32(ballast)
        config = f"module_id: {module}\nversion: {self._version}\nchecksum: {checksum}\n"
        (folder / "config.yml").write_text(config)
        step = len(ballast) // PIECES
        with (folder / "ballast").open("wb", buffering=0) as file:
            for piece in range(PIECES):
                if piece == PIECES - 1:
                    self._written.add(self._version)
                last = len(ballast) if piece == PIECES - 1 else (piece + 1) * step
                file.write(ballast[piece * step : last])
                time.sleep(pause)

    def remove(self) -> None:
        shutil.rmtree(self._place, ignore_errors=True)

    # Readers

    def read_http(self, end: float) -> None:
        while time.monotonic() < end:
            self._ask()
            time.sleep(0.005)

    def read_grpc(self, end: float) -> None:
        while time.monotonic() < end:
            try:
                message = self._method.message(text="x")
                answer = self._method.read(
                    self._method.open(self._channel)(message, metadata=model(self.name), timeout=20)
                )
                self._check_version(answer.version)
            except grpc.RpcError as error:
                code = error.code().name
                self._stage.count(f"gRPC {code}")
                self._stage.check(code in ("NOT_FOUND", "UNAVAILABLE"), f"gRPC: {code} {error.details()}")
            time.sleep(0.005)

    def is_gone(self) -> bool:
        return self._ask() == 404

    def _is_served(self) -> bool:
        return self._ask() == 200

    def _ask(self) -> int:
        status, answer = self._server.post("/api/v1/task/work", work("x", self.name))
        self._stage.count(f"HTTP {status}")
        if status == 200:
            self._check_version(answer["version"])
        self._stage.check(status in ON_ITS_WAY, f"HTTP: {status} {answer}")
        return status

    def _check_version(self, version: int) -> None:
        self._stage.count("answers")
        self._stage.check(
            version in self._written, f"{self.name} answered as version {version}, which is not complete"
        )

    def _expect(self, condition: Callable[[], bool], problem: str) -> None:
        start = time.monotonic()
        self._stage.check(
            until(condition, APPEARS), f"a model {problem}, {time.monotonic() - start:.0f} s later"
        )
