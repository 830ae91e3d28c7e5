"""Everything at the same time, at random."""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc
from google.protobuf import json_format

from soak.interface import Interface, Method, model
from soak.scenario import Scenario, Stage, option, until
from soak.server import MODULES, Server, work

JOBS = {
    "model_management": {"trainers": {"default": {"config": {"max_concurrent_jobs": 8}}}},
    "runtime": {
        "lazy_load_local_models": True,
        "lazy_load_poll_period_seconds": 0.2,
        "lazy_load_write_detection_period_seconds": 0.02,
        "training": {"output_dir": "models", "save_with_id": False},
    },
}
HTTP_CODES = {
    "OK": 200,
    "INVALID_ARGUMENT": 400,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
}
# What may be answered about a model that others change meanwhile: UNAVAILABLE is said of files that are being written.
ANY = {"OK", "NOT_FOUND", "ALREADY_EXISTS", "ABORTED", "UNAVAILABLE"}


@dataclass(frozen=True, kw_only=True)
class Chaos(Scenario):
    """Deploy, undeploy, load, unload, train, cancel and call at random: what the server says stays true."""

    name = "chaos"

    seconds: float = option(30, short=2.5, help="seconds of chaos")
    threads: int = option(16, short=8, help="clients")
    shared: int = option(4, short=3, help="models that all clients change at the same time")

    def run(self, stage: Stage) -> None:
        server = stage.serve(settings=JOBS)
        before = server.resources()
        with server.channel() as channel:
            interface = Interface(channel)
            clients = [
                _Client(self, stage, server, interface, channel, index) for index in range(self.threads)
            ]
            end = time.monotonic() + self.seconds
            stage.in_threads(self.threads, lambda index: clients[index].run(end))
            clients[0].remove_all()
        self._check_end(stage, server)
        after = server.resources()
        stage.fact("before -> after", before.grown_to(after))
        stage.check(after.requests == 0, f"{after.requests} requests are still counted as running")
        stage.check(
            after.other_files <= before.other_files + 6, f"files grew from {before.files} to {after.files}"
        )
        stage.stop(server)

    def _check_end(self, stage: Stage, server: Server) -> None:
        def left() -> list[str]:
            return sorted({path.name for path in server.models.iterdir()} - set(MODULES))

        until(lambda: not left(), 5)
        stage.check(not left(), f"these files are left: {left()[:5]}")

        def known() -> set[str]:
            return {each["name"] for each in server.get("/info/models")[1]["models"]} - set(MODULES)

        until(lambda: not known(), 5)
        stage.check(not known(), f"these models are left: {sorted(known())[:5]}")


class _Client:
    """Changes models of its own, about which it knows everything, and models that it shares with the others."""

    def __init__(
        self,
        options: Chaos,
        stage: Stage,
        server: Server,
        interface: Interface,
        channel: grpc.Channel,
        index: int,
    ) -> None:
        self._options, self._stage, self._server = options, stage, server
        self._interface, self._channel, self._index = interface, channel, index
        self._chance = random.Random(stage.seed * 1000 + index)
        self._version = 0

    def run(self, end: float) -> None:
        own: list[Callable[[str], None]] = [
            self._deployed_life,
            self._trained_life,
            self._mesh_life,
            self._job_life,
        ]
        number = 0
        while time.monotonic() < end:
            if self._chance.random() < 0.5:
                number += 1
                life = self._chance.choice(own)
                life(f"own-{self._index}-{number}")
                self._stage.count(life.__name__.strip("_").replace("_", " "))
            else:
                self._disturb(f"shared-{self._chance.randrange(self._options.shared)}")

    # What belongs to this client alone

    def _deployed_life(self, name: str) -> None:
        version = self._next_version()
        self._must(name, "NOT_FOUND", self._undeploy)
        self._must(name, "OK", lambda each: self._deploy(each, version))
        self._uses(name, version)
        self._must(name, "ALREADY_EXISTS", lambda each: self._deploy(each, version))
        ready = [each for each in self._server.get("/info/models")[1]["models"] if each["name"] == name]
        self._stage.check(
            ready and ready[0]["loaded"], f"{name} answers and is not said to be loaded: {ready}"
        )
        self._uses(name, version)
        self._must(name, "OK", self._undeploy)
        self._must(name, "NOT_FOUND", self._infer)

    def _trained_life(self, name: str) -> None:
        version = self._next_version()
        fate = self._chance.choice(["done", "done", "fail", "cancel"])
        training = self._train(name, version, fate)
        if training is None:
            return
        if fate == "cancel":
            self._state(training, "CancelTraining", "DELETE")
        state = until(lambda: self._end_of(training), 20)
        expected = {"done": {"COMPLETED"}, "fail": {"ERRORED"}, "cancel": {"CANCELED", "COMPLETED"}}[fate]
        self._stage.check(state in expected, f"the training of {name} ({fate}) ended as {state}")
        if state == "COMPLETED":
            self._uses(name, version)
            self._must(name, "OK", self._undeploy)
        self._must(name, "NOT_FOUND", self._infer)

    def _mesh_life(self, name: str) -> None:
        """Loaded as a mesh does, under a name that has no folder of its own."""
        path = str(self._server.models / "worker")
        self._must(name, "OK", lambda each: self._load(each, path))
        self._uses(name, 0)
        self._must(name, "OK", self._unload)
        self._must(name, "NOT_FOUND", self._infer)

    def _job_life(self, name: str) -> None:
        start, job = self._call(
            "WorkTaskStartPredictionJob",
            {"text": name, "seconds": 0.01},
            "/api/v1/task/work/job",
            work(name, seconds=0.01),
            "worker",
        )
        if start != "OK":
            self._stage.check(start == "RESOURCE_EXHAUSTED", f"a prediction job was answered with {start}")
            return
        about = {"prediction_id": job["prediction_id"]}

        def result() -> Any:
            code, answer = self._ask(
                "WorkTaskGetPredictionJobResult", about, "/api/v1/task/work/job/results", "GET"
            )
            return answer if code == "OK" else None

        answer = until(result, 20)
        self._stage.check(
            answer and answer["text"] == name, f"the prediction job {name} has the result {answer}"
        )

    # What all clients do with the same models

    def _disturb(self, name: str) -> None:
        version = self._next_version()
        worker = str(self._server.models / "worker")
        what: Callable[[str], str] = self._chance.choice(
            [
                self._infer,
                self._infer,
                self._infer,
                lambda each: self._deploy(each, version),
                self._undeploy,
                lambda each: self._load(each, worker),
                self._unload,
                self._train_shared,
            ]
        )
        code = what(name)
        self._stage.count(f"shared: {code}")
        self._stage.check(code in ANY, f"{name}: {code}")

    def _train_shared(self, name: str) -> str:
        self._train(name, self._next_version(), self._chance.choice(["done", "fail"]))
        return "OK"

    def remove_all(self) -> None:
        """At the end, everything can be taken away."""
        for number in range(self._options.shared):
            removed = partial(self._is_removed, f"shared-{number}")
            until(removed, 10, every=0.1)
            time.sleep(0.3)  # a training may just end
            self._stage.check(until(removed, 5, every=0.1), f"shared-{number} cannot be removed")

    def _is_removed(self, name: str) -> bool:
        self._undeploy(name)
        self._unload(name)
        return self._infer(name) == "NOT_FOUND"

    # Calls

    def _next_version(self) -> int:
        self._version += 1
        return self._index * 10_000 + self._version

    def _must(self, name: str, expected: str, what: Callable[[str], str]) -> None:
        code = what(name)
        self._stage.check(code == expected, f"{what.__name__} of {name}: {code} instead of {expected}")

    def _uses(self, name: str, version: int) -> None:
        code, answer = self._call(
            "WorkTaskPredict", {"text": name}, "/api/v1/task/work", work(name, name), name
        )
        right = code == "OK" and (answer["text"], int(answer["version"])) == (name, version)
        self._stage.check(right, f"{name}, version {version}, answered {code} {answer}")

    def _infer(self, name: str) -> str:
        return self._call("WorkTaskPredict", {"text": name}, "/api/v1/task/work", work(name, name), name)[0]

    def _deploy(self, name: str, version: int) -> str:
        config = f"module_id: {MODULES['worker']}\nversion: {version}\n".encode()
        files = [{"filename": "config.yml", "data": base64.b64encode(config).decode()}]
        body = {"model_id": name, "model_files": files}
        return self._call("DeployModel", body, "/management/models", body)[0]

    def _undeploy(self, name: str) -> str:
        return self._ask("UndeployModel", {"model_id": name}, "/management/models", "DELETE")[0]

    def _load(self, name: str, path: str) -> str:
        request = {"modelId": name, "modelType": "t", "modelPath": path, "modelKey": "{}"}
        return self._over_grpc(self._interface["loadModel"], request)[0]

    def _unload(self, name: str) -> str:
        return self._over_grpc(self._interface["unloadModel"], {"modelId": name})[0]

    def _train(self, name: str, version: int, fate: str) -> str | None:
        data = {"data": [{"text": "a", "number": 1, "version": 1}]}
        parameters: dict[str, Any] = {"version": version, "seconds": self._chance.random() / 10}
        if fate == "cancel":
            parameters["seconds"] = 0.5
        if fate == "fail":
            parameters["fail"] = "as asked"
        over_http = {"model_name": name, "parameters": {"data": {"data_stream": data}, **parameters}}
        over_grpc = {"model_name": name, "parameters": {"data": {"jsondata": data}, **parameters}}
        code, answer = self._call("WorkTaskWorkerTrain", over_grpc, "/api/v1/WorkTaskWorkerTrain", over_http)
        self._stage.check(
            code in ("OK", "RESOURCE_EXHAUSTED"), f"a training was answered with {code} {answer}"
        )
        return str(answer["training_id"]) if code == "OK" else None

    def _state(self, training: str, method: str = "GetTrainingStatus", verb: str = "GET") -> Any:
        code, answer = self._ask(method, {"training_id": training}, "/management/trainings", verb)
        self._stage.check(code == "OK", f"the state of a training was answered with {code} {answer}")
        return answer["state"] if code == "OK" else None

    def _end_of(self, training: str) -> str | None:
        state = self._state(training)
        return state if state not in ("QUEUED", "RUNNING", None) else None

    def _call(
        self,
        method: str,
        message: dict[str, Any],
        path: str,
        body: dict[str, Any],
        model_id: str | None = None,
    ) -> tuple[str, Any]:
        """Over one protocol or the other; the code in the words of gRPC, and the answer."""
        if self._chance.random() < 0.5:
            return self._over_grpc(self._interface[method], message, model_id)
        return self._read_http(*self._server.post(path, body))

    def _ask(self, method: str, message: dict[str, str], path: str, verb: str) -> tuple[str, Any]:
        if self._chance.random() < 0.5:
            return self._over_grpc(self._interface[method], message)
        query = "&".join(f"{name}={value}" for name, value in message.items())
        return self._read_http(*self._server.get(f"{path}?{query}", verb))

    def _read_http(self, status: int, answer: Any) -> tuple[str, Any]:
        self._stage.count(f"HTTP {status}")
        if status == 503 and "being written" in str(answer):
            return "UNAVAILABLE", answer
        self._stage.check(status < 500, f"HTTP: {status} {answer}")
        names = [name for name, code in HTTP_CODES.items() if code == status]
        if status == 409 and "already exists" not in str(answer):
            names = ["ABORTED"]
        return (names or [f"HTTP {status}"])[0], answer

    def _over_grpc(
        self, method: Method, content: dict[str, Any], model_id: str | None = None
    ) -> tuple[str, Any]:
        metadata = model(model_id) if model_id else ()
        try:
            data = method.open(self._channel)(method.message(**content), metadata=metadata, timeout=30)
        except grpc.RpcError as error:
            code, details = error.code().name, error.details() or ""
            self._stage.count(f"gRPC {code}")
            refused = code in HTTP_CODES or (code == "UNAVAILABLE" and "being written" in details)
            self._stage.check(refused, f"{method.name}: {code} {details}")
            return code, details
        self._stage.count("gRPC OK")
        answer = json_format.MessageToDict(
            method.read(data), preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        return "OK", answer
