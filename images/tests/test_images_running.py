"""Built images, run in every way that this machine has: `make images` builds them and runs this."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
import requests
from container_engines import ENGINES, Container, Engine, UnavailableError

FOLDER = os.environ.get("CAIKIT_IMAGES")
pytestmark = [
    pytest.mark.skipif(not FOLDER, reason="no images have been built: make images"),
    pytest.mark.timeout(900),
]

LIBRARY = '''
import time
from caikit.core import DataObjectBase, ModuleBase, ModuleConfig, TaskBase, dataobject, module, task

@dataobject
class Waited(DataObjectBase):
    said: str

@task(unary_parameters={"text": str, "seconds": float}, unary_output_type=Waited)
class WaitTask(TaskBase):
    """Answers late."""

@module("4e0f34a3-7c5f-49e0-8d0e-3b6a2f3d1c55", "Waiter", "1.0.0", task=WaitTask)
class Waiter(ModuleBase):
    @classmethod
    def load(cls, model_path: str) -> "Waiter":
        ModuleConfig.load(model_path)
        return cls()

    def run(self, text: str, seconds: float) -> Waited:
        time.sleep(seconds)
        return Waited(text)
'''


@dataclass(frozen=True)
class Case:
    """An image, a model without weights, a request for it, what the answer contains, and what has to be loadable."""

    image: str
    model: str
    task: str
    rpc: str
    json: dict[str, object]
    message: bytes
    answer: str
    back_ends: str


CASES = [
    Case(
        image="caikit-runtime",
        model="module_id: 4e0f34a3-7c5f-49e0-8d0e-3b6a2f3d1c55\n",
        task="wait",
        rpc="/caikit.runtime.WaitLibrary.WaitLibraryService/WaitTaskPredict",
        json={"inputs": {"text": "hello", "seconds": 0}},
        message=b"\x0a\x05hello\x11" + bytes(8),
        answer="hello",
        back_ends="numpy, jwt, opentelemetry.sdk.trace",
    ),
    Case(
        image="caikit-nlp",
        model="module_id: 1e04e21b-7009-499e-abdd-41e5984c2e7d\nregex_str: '[^.]+[.]'\n",
        task="tokenization",
        rpc="/caikit.runtime.Nlp.NlpService/TokenizationTaskPredict",
        json={"inputs": "One.Two."},
        message=b"\x0a\x08One.Two.",
        answer="Two.",
        back_ends="torch, transformers, sentence_transformers, peft, onnxruntime",
    ),
    Case(
        image="caikit-computer-vision",
        model="module_id: 28aa938b-1a33-11a0-11a3-bb9c3b1cbb11\n",
        task="text-to-image",
        rpc="/caikit.runtime.ComputerVision.ComputerVisionService/TextToImageTaskPredict",
        json={"inputs": "a blue sky", "parameters": {"height": 2, "width": 2}},
        message=b"\x0a\x0aa blue sky\x10\x02\x18\x02",
        answer="a blue sky",
        back_ends="torch, transformers, PIL",
    ),
]


EngineFor = Callable[[Sequence[type[Engine]], str], Engine]


@pytest.fixture(scope="module")
def engine_for(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineFor]:
    """The first of some engines that this machine can run an image with."""
    made: dict[tuple[type[Engine], str], Engine] = {}

    def get(kinds: Sequence[type[Engine]], image: str) -> Engine:
        file = Path(FOLDER or "", f"{image}.tar")
        if not file.exists():
            pytest.skip(f"{image} has not been built")
        reasons = []
        for kind in kinds:
            if (kind, image) in made:
                return made[kind, image]
            # One at a time: unpacked they are large.
            while made:
                made.popitem()[1].close()
            try:
                made[kind, image] = kind(file, tmp_path_factory.mktemp("engine"))
                return made[kind, image]
            except UnavailableError as reason:
                reasons.append(str(reason))
        pytest.skip("; ".join(reasons))

    yield get
    for engine in made.values():
        engine.close()


@contextmanager
def running(engine: Engine, volume: Path, user: str | None = None) -> Iterator[tuple[Container, str, str]]:
    """A container that is ready, and the addresses for gRPC and HTTP."""
    grpc_port, http_port = free_port(), free_port()
    environment = {
        "RUNTIME_GRPC_PORT": grpc_port,
        "RUNTIME_HTTP_PORT": http_port,
        "RUNTIME_METRICS_ENABLED": "false",
        "RUNTIME_HTTP_PROBE_TIMEOUT": "5",
    }
    if engine.image.stem == "caikit-runtime":
        environment["RUNTIME_LIBRARY"] = "wait_library"
    container = engine.start(volume, environment, user)
    try:
        deadline = time.monotonic() + 120
        while container.execute("python3", "-m", "caikit_health_probe").returncode != 0:
            assert time.monotonic() < deadline, container.log()
            assert container.process.poll() is None, container.log()
            time.sleep(0.2)
        yield container, f"localhost:{grpc_port}", f"http://localhost:{http_port}"
    finally:
        container.close()


@pytest.mark.parametrize("kind", ENGINES, ids=lambda kind: kind.program)
def test_every_engine_runs_the_smallest_image(
    engine_for: EngineFor, kind: type[Engine], tmp_path: Path
) -> None:
    serve_and_stop(engine_for([kind], "caikit-runtime"), CASES[0], tmp_path)


@pytest.mark.parametrize("case", CASES[1:], ids=lambda case: case.image)
def test_every_image_runs(engine_for: EngineFor, case: Case, tmp_path: Path) -> None:
    serve_and_stop(engine_for(ENGINES, case.image), case, tmp_path)


def serve_and_stop(engine: Engine, case: Case, folder: Path) -> None:
    volume = volume_with(folder, case)
    with running(engine, volume) as (container, target, url):
        assert container.execute("python3", "-m", "caikit_health_probe", "liveness").returncode == 0
        assert container.python("import os; print(os.getuid(), os.getgid())") == "1001 0"
        assert container.execute("python3", "-c", "open('/opt/caikit/x', 'w')").returncode != 0
        container.python(f"import {case.back_ends}")

        response = requests.post(
            f"{url}/api/v1/task/{case.task}", json={"model_id": "model", **case.json}, timeout=20
        )
        assert response.status_code == 200, response.text
        assert case.answer in response.text
        with grpc.insecure_channel(target) as channel:
            call = channel.unary_unary(case.rpc)
            assert case.answer.encode() in call(case.message, metadata=[("mm-model-id", "model")], timeout=20)
        version = requests.get(f"{url}/info/version", timeout=20).json()["runtime_version"]
        assert version.startswith(f"{case.image}:")

        container.terminate()
        assert container.wait() == 0, container.log()


@pytest.mark.parametrize("kind", ENGINES, ids=lambda kind: kind.program)
def test_any_user_and_requests_that_run_when_it_stops(
    engine_for: EngineFor, kind: type[Engine], tmp_path: Path
) -> None:
    volume = volume_with(tmp_path, CASES[0])
    with running(engine_for([kind], "caikit-runtime"), volume, "54321:0") as (container, _, url):
        assert container.python("import os; print(os.getuid())") == "54321"
        container.python("open('/caikit/by-group-0', 'w').close()")
        answers: list[str] = []
        body = {"model_id": "model", "inputs": {"text": "late", "seconds": 3}}

        def ask() -> None:
            answers.append(requests.post(f"{url}/api/v1/task/wait", json=body, timeout=30).text)

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        time.sleep(1)  # nothing tells from outside that the request has arrived
        container.terminate()
        assert container.wait() == 0, container.log()
        asking.join(10)
        assert ["late" in answer for answer in answers] == [True], (answers, container.log())


def volume_with(folder: Path, case: Case) -> Path:
    volume = folder / "volume"
    (volume / "library").mkdir(parents=True)
    (volume / "library" / "wait_library.py").write_text(LIBRARY)
    (volume / "models" / "model").mkdir(parents=True)
    (volume / "models" / "model" / "config.yml").write_text(case.model)
    # Folders of tests are for their user alone.
    for path in (volume, *volume.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o644)
    for path in folder.parents:
        if path.name.startswith("pytest-"):
            path.chmod(0o755)
    folder.chmod(0o755)
    return volume


def free_port() -> str:
    """Below those that the system gives to who asks for any."""
    while True:
        port = random.SystemRandom().randrange(16_000, 32_000)
        with suppress(OSError), socket.create_server(("", port)):
            return str(port)
