"""Processes that are killed while jobs are in every state."""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import random
import signal
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soak.resources import children_of
from soak.scenario import Scenario, Stage, option, until
from soak.server import MODULES, Server, work

TRAIN = "/api/v1/WorkTaskWorkerTrain"
JOB = "/api/v1/task/work/job"
TERMINAL = {"COMPLETED", "CANCELED", "ERRORED"}
# What Python prints in a process whose server was killed before it could say what is to be done.
ORPHANED = r"(?s)spawn_main.*EOFError: Ran out of input"


@dataclass(frozen=True, kw_only=True)
class Kill(Scenario):
    """Killed trainings and servers: what was finished stays, what was not is told as failed, and no half of a model is left."""

    name = "kill"

    children: int = option(8, short=1, help="training processes that are killed")
    servers: int = option(
        2,
        short=1,
        help="servers that are killed with a job in each state; trainings in threads, then in processes",
    )
    rounds: int = option(8, short=1, help="servers that are killed at a random moment")
    seed_jobs: int = option(12, short=6, help="jobs and deployments under way at a random moment")

    def run(self, stage: Stage) -> None:
        if self.children:
            self._kill_trainings(stage)
        for number in range(self.servers):
            _EachState(stage, in_processes=number % 2 == 1).run()
        if self.servers:
            self._outlive(stage)
        chance = random.Random(stage.seed)
        for number in range(self.rounds):
            _RandomMoment(stage, chance, self.seed_jobs, in_processes=number % 3 == 2).run()

    def _kill_trainings(self, stage: Stage) -> None:
        server = _serve(stage, in_processes=True)
        for number in range(self.children):
            name = f"killed-{number}"
            training = _train(server, name, seconds=60, started=name)
            process = _process_of(server, name)
            if process not in children_of(server.process.pid):
                raise RuntimeError(f"the training {name} does not run in a process of its own")
            os.kill(process, signal.SIGKILL)
            start = time.monotonic()
            status = _ended(server, training)
            took = time.monotonic() - start
            stage.check(
                status["state"] == "ERRORED" and status["reasons"], f"after its process was killed: {status}"
            )
            stage.check(took < 10, f"the death of a training was noticed {took:.1f} s later")
            stage.check(not (server.models / name).exists(), "a killed training has left a model")
            stage.count("training processes killed")
        again = _ended(server, _train(server, "killed-0", version=7))
        answer = server.post("/api/v1/task/work", work("x", "killed-0"))
        stage.check(
            again["state"] == "COMPLETED" and answer[0] == 200 and answer[1]["version"] == 7,
            f"{again} {answer}",
        )
        _check_folder(stage, server, {"killed-0"})
        stage.stop(server, forgiven=ORPHANED)

    def _outlive(self, stage: Stage) -> None:
        """A training that ends while there is no server."""
        server = _serve(stage, in_processes=True)
        training = _train(server, "orphan", seconds=2, started="orphan", version=5)
        process = _process_of(server, "orphan")
        _kill(stage, server, children=[])
        ended = until(lambda: not _lives(process), 30)
        stage.check(ended, "a training process goes on for ever after the death of its server")
        server.start()
        status = _ended(server, training)
        answer = server.post("/api/v1/task/work", work("x", "orphan"))
        stage.check(
            status["state"] == "COMPLETED" and answer[0] == 200 and answer[1]["version"] == 5,
            f"a training that outlived its server: {status} {answer}",
        )
        _check_folder(stage, server, {"orphan"})
        stage.stop(server, forgiven=ORPHANED)


class _EachState:
    """One job in each state when the server is killed."""

    def __init__(self, stage: Stage, *, in_processes: bool) -> None:
        self._stage = stage
        self._in_processes = in_processes
        self._server = _serve(stage, in_processes=in_processes, at_once=1)

    def run(self) -> None:
        stage, server = self._stage, self._server
        completed = _train(server, "completed", version=3)
        failed = _train(server, "failed", fail="as asked")
        kept = {job: _ended(server, job) for job in (completed, failed)}
        cancelled = _train(server, "cancelled", seconds=60, started="cancelled")
        _process_of(server, "cancelled")
        server.get(f"/management/trainings?training_id={cancelled}", "DELETE")
        kept[cancelled] = _ended(server, cancelled)
        states = [status["state"] for status in kept.values()]
        stage.check(states == ["COMPLETED", "ERRORED", "CANCELED"], f"before the death: {states}")
        predicted = self._predict("predicted")
        result = until(lambda: self._result(predicted), 10)
        running = _train(server, "running", seconds=60, started="running")
        process = _process_of(server, "running")
        queued = _train(server, "queued")
        predicting, waiting = self._predict("predicting", 60), self._predict("waiting")
        self._until_state(predicting, "RUNNING")
        before = [_status(server, running)["state"], _status(server, queued)["state"], self._state(waiting)]
        stage.check(before == ["RUNNING", "QUEUED", "QUEUED"], f"before the death: {before}")

        _kill(stage, server, children=[] if self._in_processes else [process])
        server.start()

        for job, status in kept.items():
            stage.check(_status(server, job) == status, f"{status} became {_status(server, job)}")
        if self._in_processes:
            self._cancel_orphan(running, process)
        for job in [queued] if self._in_processes else [running, queued]:
            status = _ended(server, job)
            stage.check(
                status["state"] == "ERRORED" and status["reasons"], f"a training that was lost is {status}"
            )
        for job in (predicting, waiting):
            self._until_state(job, "ERRORED")
        stage.check(self._result(predicted) == result, "the result of a prediction is lost")
        code, answer = server.post("/api/v1/task/work", work("x", "completed"))
        stage.check(code == 200 and answer["version"] == 3, f"the trained model answers {code} {answer}")
        again = _ended(server, _train(server, "running", version=4))
        stage.check(again["state"] == "COMPLETED", f"training again: {again}")
        _check_folder(stage, server, {"completed", "running"})
        stage.stop(server, forgiven=ORPHANED)

    def _cancel_orphan(self, training: str, process: int) -> None:
        """A process of its own goes on; the next server knows its training, and can end it."""
        stage, server = self._stage, self._server
        status = _status(server, training)
        stage.check(
            status["state"] == "RUNNING" and _lives(process), f"after the death of its server: {status}"
        )
        server.get(f"/management/trainings?training_id={training}", "DELETE")
        status = _ended(server, training)
        stage.check(status["state"] == "CANCELED", f"after it was cancelled by the next server: {status}")
        stage.check(until(lambda: not _lives(process), 10), "a cancelled training goes on in its process")

    def _predict(self, text: str, seconds: float = 0) -> str:
        status, answer = self._server.post(JOB, work(text, seconds=seconds))
        self._stage.check(status == 200, f"a prediction job was answered with {status} {answer}")
        return str(answer["prediction_id"])

    def _state(self, job: str) -> str:
        return str(self._server.get(f"{JOB}?prediction_id={job}")[1]["state"])

    def _until_state(self, job: str, state: str) -> None:
        self._stage.check(
            until(lambda: self._state(job) == state, 10), f"a prediction is {self._state(job)}, not {state}"
        )

    def _result(self, job: str) -> Any:
        status, answer = self._server.get(f"{JOB}/results?prediction_id={job}")
        return answer if status == 200 else None


class _RandomMoment:
    """Trainings and deployments of any length when the server is killed."""

    def __init__(self, stage: Stage, chance: random.Random, count: int, *, in_processes: bool) -> None:
        self._stage, self._chance, self._count = stage, chance, count
        self._server = _serve(stage, in_processes=in_processes, at_once=4)
        self._in_processes = in_processes
        # What the server has acknowledged, by the name of the model.
        self._trainings: dict[str, str] = {}
        self._deployed: set[str] = set()

    def run(self) -> None:
        stage, server = self._stage, self._server
        moments = [self._chance.random() for _ in range(self._count)]
        end = time.monotonic() + (2.5 if self._in_processes else 0.3) * self._chance.random() + 0.05

        def do(index: int) -> None:
            if index < self._count:
                self._change(index, moments[index], end)
                return
            time.sleep(max(0.0, end - time.monotonic()))
            processes.extend(children_of(server.process.pid))
            _kill(stage, server, children=[] if self._in_processes else processes)

        processes: list[int] = []
        stage.in_threads(self._count + 1, do)
        server.start()
        self._look()
        ended = until(lambda: not [each for each in processes if _lives(each)], 10)
        stage.check(ended, "training processes are left")
        stage.stop(server, forgiven=ORPHANED)

    def _change(self, number: int, moment: float, end: float) -> None:
        version = 0
        with contextlib.suppress(OSError, http.client.HTTPException):
            while time.monotonic() < end:
                version += 1
                name = f"m-{number}-{version}"
                if number % 2:
                    self._trainings[name] = _train(self._server, name, version=version, seconds=moment / 20)
                    time.sleep(moment / 20)
                elif self._server.post("/management/models", _model_files(name, version))[0] == 200:
                    self._deployed.add(name)

    def _look(self) -> None:
        stage, server = self._stage, self._server
        models = set(self._deployed)
        for name, training in self._trainings.items():
            status = _ended(server, training)
            stage.check(status.get("state") in TERMINAL, f"an acknowledged training is {status}")
            stage.check(
                status.get("state") != "ERRORED" or status["reasons"],
                "a training has failed without a reason",
            )
            stage.count(f"training {status.get('state')} after a kill")
            there = (server.models / name).exists()
            if status.get("state") == "COMPLETED":
                models.add(name)
                stage.check(there, f"a training is completed and its model {name} is not there")
            else:
                stage.check(not there, f"a training is {status.get('state')} and its model {name} is there")
        stage.count("deployments acknowledged before a kill", len(self._deployed))
        for name in sorted(models):
            code, answer = server.post("/api/v1/task/work", work("x", name))
            right = code == 200 and answer["version"] == int(name.rpartition("-")[2])
            stage.check(right, f"{name}, acknowledged before the kill, answers {code} {answer}")
        # A deployment may have been finished and not answered any more.
        extra = {path.name for path in server.models.iterdir() if path.name[0] != "."} - models - set(MODULES)
        for name in sorted(extra):
            code, answer = server.post("/api/v1/task/work", work("x", name))
            stage.check(
                code == 200 and name not in self._trainings, f"{name} was left by halves: {code} {answer}"
            )
        _check_folder(stage, server, models | extra)


def _serve(stage: Stage, *, in_processes: bool, at_once: int | None = None) -> Server:
    config = {"work_dir": "jobs", "max_concurrent_jobs": at_once}
    return stage.serve(
        settings={
            "model_management": {
                "trainers": {"default": {"config": {**config, "use_subprocess": in_processes}}},
                "job_predictors": {"default": {"config": config}},
            },
            "runtime": {
                "lazy_load_local_models": True,
                "lazy_load_poll_period_seconds": 0.5,
                "lazy_load_write_detection_period_seconds": 0.02,
                "training": {"output_dir": "models", "save_with_id": False},
                "http": {"server_shutdown_grace_period_seconds": 1},
            },
        }
    )


def _kill(stage: Stage, server: Server, children: list[int]) -> None:
    server.process.kill()
    server.process.wait()
    stage.count("servers killed")
    ended = until(lambda: not [each for each in children if _lives(each)], 10)
    stage.check(ended, "training processes have outlived their server")
    for path in server.models.glob(".*deploy-*"):
        # The next start removes what is older than an hour.
        os.utime(path, (1, 1))
        stage.count("deployments that were interrupted")


def _lives(process: int) -> bool:
    try:
        return "\nState:\tZ" not in (Path("/proc") / str(process) / "status").read_text()
    except OSError:
        return False


def _train(server: Server, name: str, **parameters: Any) -> str:
    data = {"data_stream": {"data": [{"text": "a", "number": 1, "version": 1}]}}
    status, answer = server.post(TRAIN, {"model_name": name, "parameters": {"data": data, **parameters}})
    if status != 200:
        raise RuntimeError(f"a training was answered with {status} {answer}")
    return str(answer["training_id"])


def _process_of(server: Server, name: str) -> int:
    text = until(lambda: (server.started / name).exists() and (server.started / name).read_text(), 30)
    if not text:
        raise RuntimeError(f"the training {name} did not start")
    return int(text)


def _status(server: Server, training: str) -> dict[str, Any]:
    status, answer = server.get(f"/management/trainings?training_id={training}")
    return answer if status == 200 else {"state": f"HTTP {status}", "reasons": [str(answer)]}


def _ended(server: Server, training: str) -> dict[str, Any]:
    until(lambda: _status(server, training)["state"] not in ("QUEUED", "RUNNING"), 30)
    return _status(server, training)


def _check_folder(stage: Stage, server: Server, names: set[str]) -> None:
    """Nothing but these models, nor any remains of others."""
    left = {path.name for path in server.models.iterdir()} - names - set(MODULES)
    stage.check(not left, f"these remains lie in the folder of the models: {sorted(left)[:4]}")


def _model_files(name: str, version: int) -> dict[str, Any]:
    ballast = os.urandom(200_000)
    config = f"module_id: {MODULES['worker']}\nversion: {version}\nchecksum: {zlib.crc32(ballast)}\n".encode()
    files = [("config.yml", config), ("ballast", ballast)]
    encoded = [{"filename": file, "data": base64.b64encode(data).decode()} for file, data in files]
    return {"model_id": name, "model_files": encoded}
