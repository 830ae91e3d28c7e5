"""Requests that are random or damaged."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import grpc
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from soak.interface import Interface, Method, model
from soak.messages import as_json, damaged, damaged_json, messages
from soak.scenario import Scenario, Stage, option, until
from soak.server import MODULES, Server, work

# What tells of a fault of the server, or of an answer that did not come.
FAULTS = {"UNKNOWN", "INTERNAL", "DATA_LOSS", "DEADLINE_EXCEEDED", "CANCELLED", "UNAVAILABLE"}
SECONDS = 10.0
MEMORY = 6000
# These take models away, which would leave the others with nothing to do.
REMOVING = {"unloadModel", "UndeployModel", "runtimeStatus"}
MORE_METHODS = ("/grpc.health.v1.Health/Check",)
SHORT = {"SOAK_LONGEST_SECONDS": "0.002", "SOAK_MOST_ITEMS": "5"}


class _Route(NamedTuple):
    verb: str
    path: str
    bodies: st.SearchStrategy[bytes]
    type: str = "application/json"


@dataclass(frozen=True, kw_only=True)
class Mutations(Scenario):
    """Damaged requests of every RPC are answered, with no 5xx and no INTERNAL, and leave nothing behind."""

    name = "mutations"

    examples: int = option(250, short=8, help="requests of each RPC and of each route")
    megabytes: float = option(48, short=48, help="growth of memory that is allowed")

    def run(self, stage: Stage) -> None:
        settings_ = {"runtime": {"server_thread_pool_size": 8}}
        server = stage.serve(settings=settings_, environment=SHORT, memory=MEMORY)
        before = server.resources()
        with server.channel() as channel:
            interface = Interface(channel)
            for method in interface.methods:
                self._attack_method(stage, server, channel, method)
            for path in MORE_METHODS:
                call = partial(_call, stage, channel, path)
                self._attack(stage, path, damaged(st.binary(max_size=40)).map(lambda data: [data]), call)
            for route in _routes(interface):
                self._attack_route(stage, server, route)
        after = (
            until(lambda: _small(server, before.megabytes + self.megabytes), 5, every=0.3)
            or server.resources()
        )
        stage.fact("before -> after", before.grown_to(after))
        stage.check(after.megabytes <= before.megabytes + self.megabytes, "memory grew")
        stage.check(after.requests == 0, f"{after.requests} requests are still counted as running")
        stage.check(
            after.other_files <= before.other_files + 8, f"files grew from {before.files} to {after.files}"
        )
        # Mistakes of clients may be logged as errors, but not as surprises.
        stage.stop(server)

    def _attack_method(self, stage: Stage, server: Server, channel: grpc.Channel, method: Method) -> None:
        one = damaged(messages(method.input.DESCRIPTOR).map(lambda message: message.SerializeToString()))
        requests = st.lists(one, max_size=4) if method.streams_in else one.map(lambda data: [data])

        def send(sent: list[bytes]) -> str | None:
            if method.name in REMOVING and (
                not any(sent) or any(name.encode() in data for name in MODULES for data in sent)
            ):
                return None
            return _call(stage, channel, method, sent)

        self._attack(stage, method.path, requests, send)

    def _attack_route(self, stage: Stage, server: Server, route: _Route) -> None:
        def send(body: bytes) -> str | None:
            path = route.path
            if route.verb in ("GET", "DELETE"):
                path += "?" + body.decode("latin-1").translate(_QUERY)
            if route.verb == "DELETE" and any(name in path for name in MODULES):
                return None
            with closing(server.connection(SECONDS)) as connection:
                connection.request(
                    route.verb, path, body if route.verb == "POST" else None, {"content-type": route.type}
                )
                response = connection.getresponse()
                answer = response.read()
            stage.count(f"HTTP {response.status}")
            streamed = b"event: error" in answer and json.loads(answer.rpartition(b"data: ")[2])["code"]
            wrong = response.status >= 500 or (streamed and streamed >= 500)
            return f"{response.status} {answer[-400:]!r}" if wrong else None

        self._attack(stage, f"{route.verb} {route.path} {route.type}", route.bodies, send)

    def _attack(
        self, stage: Stage, name: str, requests: st.SearchStrategy[Any], send: Callable[[Any], str | None]
    ) -> None:
        """Send many; the smallest one that is answered wrongly is the problem."""

        @seed(stage.seed)
        @settings(
            max_examples=self.examples,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
            print_blob=False,
            report_multiple_bugs=False,
        )
        @given(requests)
        def attack(request: Any) -> None:
            start = time.monotonic()
            problem = send(request)
            took = time.monotonic() - start
            stage.count("requests")
            if problem is None and took > SECONDS / 2:
                problem = f"answered after {took:.1f} s"
            if problem:
                raise _WrongAnswerError(request, problem)

        try:
            attack()
        except _WrongAnswerError as error:
            stage.check(False, f"{name}: {error.problem} to {error.request!r:.1000}")
        except Exception as error:
            stage.check(False, f"{name}: {type(error).__name__}: {error}")


class _WrongAnswerError(Exception):
    def __init__(self, request: Any, problem: str) -> None:
        super().__init__(problem)
        self.request, self.problem = request, problem


_QUERY = {number: f"%{number:02X}" for number in (*range(33), *range(127, 256), ord("#"), ord("%"))}


def _call(stage: Stage, channel: grpc.Channel, method: Method | str, sent: list[bytes]) -> str | None:
    """What is wrong with the answer, or None."""
    metadata = model("mirror" if "Mirror" in str(method) else "tidier" if "Tidy" in str(method) else "worker")
    try:
        if isinstance(method, str):
            channel.unary_unary(method)(sent[0], metadata=metadata, timeout=SECONDS)
        else:
            call = method.open(channel)
            answer = call(iter(sent) if method.streams_in else sent[0], metadata=metadata, timeout=SECONDS)
            for item in answer if method.streams_out else [answer]:
                method.read(item)
    except grpc.RpcError as error:
        code = error.code().name
        stage.count(f"gRPC {code}")
        return f"{code} {error.details()}" if code in FAULTS else None
    stage.count("gRPC OK")
    return None


def _routes(interface: Interface) -> list[_Route]:
    worker = st.just("worker")

    def inference(name: str, single: str) -> st.SearchStrategy[Any]:
        def body(message: Any) -> dict[str, Any]:
            parameters = as_json(message)
            return {"model_id": "worker", "inputs": parameters.pop(single, "x"), "parameters": parameters}

        return messages(interface[name].input.DESCRIPTOR).map(body)

    def whole(name: str) -> st.SearchStrategy[Any]:
        return messages(interface[name].input.DESCRIPTOR).map(as_json)

    mirror = inference("MirrorTaskPredict", "everything").map(lambda body: {**body, "model_id": "mirror"})
    stream = inference("ServerStreamingWorkTaskPredict", "text")
    lines = st.lists(damaged_json(inference("BidiStreamingWorkTaskPredict", "texts")), max_size=5).map(
        b"\n".join
    )
    query = st.builds(
        lambda key, value: f"{key}={value}".encode(),
        st.sampled_from(["training_id", "model_id", "prediction_id", "model_ids", "x"]),
        st.text(max_size=20),
    )
    form = damaged(
        st.lists(st.tuples(st.sampled_from(_PARTS), st.binary(max_size=30)), max_size=4).map(_form)
    )
    form_type = f"multipart/form-data; boundary={_BOUNDARY}"
    task = "/api/v1/task/"
    return [
        _Route("POST", task + "work", damaged_json(inference("WorkTaskPredict", "text"))),
        _Route("POST", task + "mirror", damaged_json(mirror)),
        _Route("POST", task + "server-streaming-work", damaged_json(stream)),
        _Route("POST", task + "client-streaming-work", damaged(lines), "application/x-ndjson"),
        _Route("POST", task + "bidi-streaming-work", damaged(lines), "application/x-ndjson"),
        _Route("POST", task + "mirror", form, form_type),
        _Route("POST", task + "work", form, form_type),
        _Route("POST", task + "mirror/job", damaged_json(mirror)),
        _Route("POST", "/api/v1/WorkTaskWorkerTrain", damaged_json(whole("WorkTaskWorkerTrain"))),
        _Route("POST", "/api/v1/WorkTaskWorkerTrain", form, form_type),
        _Route("POST", "/management/models", damaged_json(whole("DeployModel"))),
        _Route("POST", "/management/models", form, form_type),
        _Route("POST", task + "work", damaged(worker.map(lambda name: json.dumps(work("x", name)).encode()))),
        *(_Route("GET", path, damaged(query)) for path in _READ),
        *(
            _Route("DELETE", path, damaged(query))
            for path in ("/management/trainings", "/management/models", task + "work/job")
        ),
    ]


_READ = (
    "/management/trainings",
    "/info/models",
    "/info/version",
    "/health",
    "/openapi.json",
    "/api/v1/task/work/job",
    "/api/v1/task/work/job/results",
)
_BOUNDARY = "frontier"
_PARTS = [
    'name="model_id"',
    'name="inputs"',
    'name="inputs.file"; filename="a.bin"',
    'name="inputs.line"',
    'name="inputs.strings"',
    'name="inputs.when"',
    'name="parameters"',
    'name="parameters.words"',
    'name="parameters.seconds"',
    'name="parameters.blob"; filename="b"',
    'name="model_files"; filename="config.yml"',
    'name="model_name"',
    'name="parameters.data"',
    "nameless",
]


def _form(parts: list[tuple[str, bytes]]) -> bytes:
    lines = [b'--frontier\r\nContent-Disposition: form-data; name="model_id"\r\n\r\nmirror']
    lines += [
        b"--frontier\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + data
        for head, data in parts
    ]
    return b"\r\n".join([*lines, b"--frontier--\r\n"])


def _small(server: Server, megabytes: float) -> Any:
    now = server.resources()
    return now if now.megabytes <= megabytes and now.requests == 0 else None
