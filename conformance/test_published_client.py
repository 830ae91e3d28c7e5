"""A client that has the interface files, gRPC, and nothing of the toolkit, trains and calls models."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.replay.golden import PROTOS, REPOSITORY
from conformance.replay.server import serve

CLIENT = Path(__file__).parent / "published_client"
REQUIREMENTS = CLIENT / "requirements.txt"
NAME = "published-client"
GREETER = "10000000-"
# What a virtual environment has, and what gRPC brings.
ALLOWED = {"grpcio", "grpcio-tools", "pip", "protobuf", "setuptools", "typing-extensions"}


# The first run installs the client's packages.
pytestmark = pytest.mark.timeout(600)


def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a script of ours."""
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # noqa: S603 - see above


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of the client's environment, which is made when it is not there."""
    script = REPOSITORY / "scripts" / "venv"
    environment = {"PYTHON": sys.executable, **os.environ}
    arguments = [str(script), NAME, "-r", str(REQUIREMENTS.relative_to(REPOSITORY))]
    made = run(arguments, cwd=REPOSITORY, env=environment)
    assert made.returncode == 0, made.stdout + made.stderr
    return REPOSITORY / ".venvs" / NAME / "bin" / "python"


@pytest.fixture(scope="module", params=["standard", "native"])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that notices the models which it has trained."""
    folder = tmp_path_factory.mktemp(request.param)
    settings = {
        "RUNTIME_LAZY_LOAD_LOCAL_MODELS": "true",
        "RUNTIME_LAZY_LOAD_POLL_PERIOD_SECONDS": "0.2",
        "RUNTIME_TRAINING_OUTPUT_DIR": str(folder / "base" / "models"),
        "RUNTIME_TRAINING_SAVE_WITH_ID": "false",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        with serve(folder, request.param) as started:
            assert started.grpc_target is not None
            yield started.grpc_target


@pytest.fixture(scope="module")
def seen(python: Path, target: str) -> dict[str, Any]:
    """What the client reports."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(python), "-I", str(CLIENT / "client.py"), target, str(PROTOS)]
    client = run(command, env=environment, timeout=100)
    assert client.returncode == 0, client.stdout + client.stderr
    result: dict[str, Any] = json.loads(client.stdout)
    return result


def test_the_client_has_nothing_of_the_toolkit(seen: dict[str, Any]) -> None:
    assert set(seen["packages"]) <= ALLOWED


def test_it_calls_a_model_in_every_way(seen: dict[str, Any]) -> None:
    assert seen["greeter"] == {
        "unary": "Hello Ann Hello Ann",
        "server": ["Hello Ann 0", "Hello Ann 1"],
        "client": "Hello Ann, Bob",
        "bidi": ["Hello Ann", "Hello Bob"],
    }


def test_it_trains_a_model_and_calls_it(seen: dict[str, Any]) -> None:
    assert seen["training"] == {"model_name": "trained-by-a-published-client", "state": "COMPLETED", "reasons": [], "seconds": True}  # fmt: skip
    assert seen["trained"]["unary"].startswith("Trained")
    assert seen["trained"].keys() == seen["greeter"].keys()


def test_it_lists_models(seen: dict[str, Any]) -> None:
    before, after = seen["before"], seen["after"]
    assert {"greeter", "polite", "multi"} <= before.keys()
    assert after.keys() - before.keys() == {"trained-by-a-published-client"}
    assert after["trained-by-a-published-client"] == before["greeter"]
    assert before["greeter"].startswith(GREETER)
    assert "caikit" in seen["versions"]


def test_it_sees_errors(seen: dict[str, Any]) -> None:
    code, details = seen["errors"]["no such model"]
    assert code == "NOT_FOUND"
    assert "nope" in details
    assert seen["errors"]["of the module"] == ["INVALID_ARGUMENT", "bad value"]
