"""`python -m caikit.runtime.train`: files and exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent
ADDER = "command_lib.Adder"
DATA = {"training_data": {"jsondata": {"data": [{"number": 1}, {"number": 2}]}}}
COMMAND = [sys.executable, "-W", "error", "-m", "caikit.runtime.train"]
INPUT = "Exception raised during training. This may be a problem with your input"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.endswith("TERMINATION_LOG")}
    return {**clean, "PYTHONPATH": str(HERE), "TERMINATION_LOG_FILE": str(tmp_path / "termination.log")}


@pytest.fixture
def command(tmp_path: Path, environment: dict[str, str]) -> Callable[..., Any]:
    """Runs the command with a module, parameters and a name, unless told otherwise."""

    def run(*arguments: str, module: str = ADDER, values: Any = DATA, name: str = "m", **more: str) -> Any:
        text = values if isinstance(values, str) else json.dumps(values)
        process = subprocess.run(
            [*COMMAND, "-m", module, "-k", text, "-n", name, "-s", "out", *arguments],
            cwd=tmp_path,
            env={**environment, **more},
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
        )
        log = tmp_path / "termination.log"
        return SimpleNamespace(
            code=process.returncode,
            output=process.stdout + process.stderr,
            log=log.read_text() if log.exists() else None,
            markers={each.name for each in (tmp_path / "out").glob(".[cf]*")},
        )

    return run


def total(path: Path) -> int:
    value = yaml.safe_load((path / "config.yml").read_text())["total"]
    assert isinstance(value, int)
    return value


def test_a_model_is_trained_and_saved(command: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".failed").touch()
    result = command(values={**DATA, "extra": 10})
    assert (result.code, result.log, result.markers) == (0, None, {".complete"}), result.output
    assert total(tmp_path / "out" / "m") == 13

    (tmp_path / "values.json").write_text(json.dumps({**DATA, "base": {"model_id": "out/m"}}))
    result = command(
        "--save-with-id", "--library", "command_lib",
        module="c0de0000-0000-4000-8000-000000000001", values="values.json", name="other",
    )  # fmt: skip
    assert result.code == 0, result.output
    assert [total(path) for path in (tmp_path / "out").glob("*/other")] == [16]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"values": "{broken"}, "training-kwargs must be valid json or point to a valid json file"),
        ({"values": "[1]"}, "training-kwargs must be valid json or point to a valid json file"),
        ({"values": {"unknown": 1}}, "Exception encountered when attempting to parse input parameters"),
        ({"values": {**DATA, "extra": "x"}}, "Exception encountered when attempting to parse input parameters"),
        ({"values": {"base": {"model_id": "no"}}}, "Exception encountered when attempting to parse input parameters"),
        ({"module": "command_lib.Fixed"}, "Exception encountered when attempting to parse input parameters"),
        ({"module": "no-such-id"}, "Unable to find module no-such-id to train"),
        ({"module": "command_lib.Missing"}, "Unable to find module command_lib.Missing to train"),
        ({"module": "command_lib.CommandTask"}, "Unable to find module command_lib.CommandTask to train"),
        ({"module": "missing_lib.Adder"}, "Unable to import module missing_lib"),
        ({"name": "../outside"}, f"{INPUT}: Invalid model_name '../outside': expected a name without path separators"),
    ],
)  # fmt: skip
def test_mistakes(command: Callable[..., Any], tmp_path: Path, given: dict[str, Any], message: str) -> None:
    result = command(**given)
    assert (result.code, result.markers) == (1, {".failed"}), result.output
    assert result.log.startswith(message)
    assert result.log.count("\n") == 1
    assert not (tmp_path / "outside").exists()


def test_more_mistakes(command: Callable[..., Any]) -> None:
    result = command("-l", "missing_lib")
    assert (result.code, result.log) == (1, "Unable to import module missing_lib\n")
    result = command("-t", "nobody")
    assert (result.code, "Unknown trainer: nobody" in result.log) == (1, True)
    result = command("--bogus")
    assert (result.code, result.markers) == (1, {".failed"})
    assert f"{INPUT}: unrecognized arguments: --bogus" in result.log


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({**DATA, "fail": "bad luck"}, "Training finished unsuccessfully"),
        ({"extra": 1}, "Training finished unsuccessfully"),
        ({**DATA, "fail": "memory"}, "OOM error during training"),
    ],
)
def test_failed_trainings(command: Callable[..., Any], tmp_path: Path, values: Any, message: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".complete").touch()
    result = command(values=values)
    assert (result.code, result.log, result.markers) == (203, f"{message}\n", {".failed"}), result.output
    assert not (tmp_path / "out" / "m").exists()


def test_a_training_process_that_dies(command: Callable[..., Any], tmp_path: Path) -> None:
    config = {
        "model_management": {"trainers": {"apart": {"type": "LOCAL", "config": {"use_subprocess": True}}}}
    }
    (tmp_path / "config.yml").write_text(yaml.safe_dump(config))
    result = command(
        "--trainer", "apart", values={**DATA, "fail": "exit"}, CONFIG_FILES=str(tmp_path / "config.yml")
    )
    assert (result.code, result.log) == (203, "OOM error during training\n"), result.output
    result = command("--trainer", "apart", CONFIG_FILES=str(tmp_path / "config.yml"))
    assert (result.code, total(tmp_path / "out" / "m")) == (0, 3), result.output


def test_the_termination_log(command: Callable[..., Any], tmp_path: Path) -> None:
    assert command("-e", "false", values="{").log is None
    assert command(values="{", ENABLE_TERMINATION_LOG="false").log is None
    result = command("-e", "maybe")
    assert result.code == 1
    assert "expected true or false, got 'maybe'" in result.log
    command("-f", str(tmp_path / "own.log"), "-e", values="{")
    assert (tmp_path / "own.log").read_text().startswith("training-kwargs must be valid json")
    result = command("-f", str(tmp_path / "missing" / "own.log"), values="{")
    assert result.code == 1


def test_a_signal_ends_it(tmp_path: Path, environment: dict[str, str]) -> None:
    values = json.dumps({**DATA, "started": str(tmp_path / "started")})
    process = subprocess.Popen(
        [sys.executable, "-m", "caikit.runtime.train", "-m", ADDER, "-k", values, "-n", "m", "-s", "out"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 30
    while not (tmp_path / "started").exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 203
    assert (tmp_path / "out" / ".failed").exists()
    assert not (tmp_path / "out" / "m").exists()


def test_help() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "caikit.runtime.train", "--help"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert result.returncode == 0
    for option in ("--training-kwargs", "--save-with-id", "--termination-log-file", "203"):
        assert option in result.stdout
