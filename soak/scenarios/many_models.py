"""Many models that come and go."""

from __future__ import annotations

import base64
import random
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import grpc

from soak.interface import Interface, model
from soak.scenario import Scenario, Stage, option, shares, until
from soak.server import MODULES, Server, work

WORKERS = 8


@dataclass(frozen=True, kw_only=True)
class ManyModels(Scenario):
    """Models that are deployed, loaded, used, unloaded and undeployed in a cycle leave nothing behind."""

    name = "models"

    models: int = option(200, short=16, help="models of one cycle")
    cycles: int = option(4, short=2, help="cycles")
    clients: int = option(8, short=4, help="clients that deploy and use models")
    kilobytes: int = option(256, short=64, help="size of a model")
    megabytes: float = option(24, short=24, help="growth of memory that is allowed")

    def run(self, stage: Stage) -> None:
        server = stage.serve(settings={"runtime": {"server_thread_pool_size": WORKERS}})
        files = sorted(str(path) for path in server.models.rglob("*"))
        with server.channel() as channel:
            use = _Use(self, stage, server, channel)
            stage.in_threads(
                self.clients, lambda index: use.cycle("warm-up", range(index * 2, index * 2 + 2))
            )
            before = server.resources()
            parts = list(shares(self.models, self.clients))
            for cycle in range(self.cycles):
                stage.in_threads(self.clients, partial(use.cycle_part, f"cycle-{cycle}", parts))
            until(lambda: server.resources().megabytes <= before.megabytes + self.megabytes / 2, 5, every=0.3)
            after = server.resources()
        stage.fact("before -> after", before.grown_to(after))
        stage.check(after.megabytes <= before.megabytes + self.megabytes, "memory grew")
        # The metrics know two operations of up to 1000 models that are gone.
        labels = 4 * min(1000, self.models * self.cycles)
        grown = f"objects grew from {before.objects} to {after.objects}"
        stage.check(after.objects <= before.objects + 1000 + labels, grown)
        stage.check(
            after.other_files <= before.other_files + 4 and after.threads <= before.threads + 2 * WORKERS,
            "threads or files are left",
        )
        known = {each["name"] for each in server.get("/info/models")[1]["models"]}
        stage.check(known == set(MODULES), f"these models are left: {sorted(known)}")
        left = sorted(str(path) for path in server.models.rglob("*"))
        stage.check(left == files, f"these files are left: {sorted(set(left) - set(files))[:5]}")
        stage.stop(server)


class _Use:
    def __init__(self, options: ManyModels, stage: Stage, server: Server, channel: grpc.Channel) -> None:
        self._options, self._stage, self._server, self._channel = options, stage, server, channel
        self._methods = Interface(channel)

    def cycle_part(self, prefix: str, parts: list[range], index: int) -> None:
        self.cycle(prefix, parts[index])

    def cycle(self, prefix: str, numbers: range) -> None:
        """Deploy all, use all, then take all away, each in one of several ways."""
        names = [f"{prefix}-{number}" for number in numbers]
        for version, name in zip(numbers, names, strict=True):
            self._deploy(name, version)
        for version, name in zip(numbers, names, strict=True):
            self._use(name, version)
        for version, name in zip(numbers, names, strict=True):
            if version % 3 == 0:
                self._reload(name, version)
            self._undeploy(name, over_grpc=version % 2 == 0)
            self._stage.count("models deployed, used and undeployed")

    def _deploy(self, name: str, version: int) -> None:
        ballast = random.Random(version).randbytes(self._options.kilobytes * 1024)
        config = (
            f"module_id: {MODULES['worker']}\nversion: {version}\nchecksum: {zlib.crc32(ballast)}\n".encode()
        )
        files = [
            {"filename": "config.yml", "data": base64.b64encode(config).decode()},
            {"filename": "ballast", "data": base64.b64encode(ballast).decode()},
        ]
        body = {"model_id": name, "model_files": files}
        if version % 2:
            self._call("DeployModel", body)
        else:
            status, answer = self._server.post("/management/models", body)
            self._stage.check(status == 200, f"deploying {name}: {status} {answer}")

    def _use(self, name: str, version: int) -> None:
        status, answer = self._server.post("/api/v1/task/work", work(name, name))
        self._stage.check(
            status == 200 and answer["version"] == version and answer["text"] == name,
            f"using {name}: {status} {answer}",
        )
        method = self._methods["ServerStreamingWorkTaskPredict"]
        items = [
            method.read(item)
            for item in method.open(self._channel)(
                method.message(text=name, count=3), metadata=model(name), timeout=30
            )
        ]
        right = [(item.text, item.version) for item in items] == [(name, version)] * 3
        self._stage.check(right, f"streaming from {name}: {items}")

    def _reload(self, name: str, version: int) -> None:
        """As a model mesh does: unload, and load from the same folder."""
        self._call("unloadModel", {"modelId": name})
        status, _ = self._server.post("/api/v1/task/work", work(name, name))
        self._stage.check(status == 404, f"{name} answered {status} after it was unloaded")
        path = str(self._server.models / name)
        self._call("loadModel", {"modelId": name, "modelType": "t", "modelPath": path, "modelKey": "{}"})
        self._use(name, version)
        self._stage.count("models unloaded and loaded")

    def _undeploy(self, name: str, *, over_grpc: bool) -> None:
        if over_grpc:
            self._call("UndeployModel", {"model_id": name})
        else:
            status, answer = self._server.get(f"/management/models?model_id={name}", "DELETE")
            self._stage.check(status == 200, f"undeploying {name}: {status} {answer}")
        status, _ = self._server.post("/api/v1/task/work", work(name, name))
        self._stage.check(status == 404, f"{name} answered {status} after it was undeployed")

    def _call(self, name: str, content: Mapping[str, object]) -> None:
        method = self._methods[name]
        try:
            method.open(self._channel)(method.message(**content), timeout=30)
        except grpc.RpcError as error:
            self._stage.check(False, f"{name}: {error.code().name} {error.details()}")
