"""A process that is killed while it saves never leaves a model that is half old and half new."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import killed_saver
import pytest

import caikit

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started = []

    def start_process(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, killed_saver.__file__, str(tmp_path / "model"), *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "start\n"
        return process

    yield start_process
    for process in started:
        process.kill()
        process.communicate()


def numbers_of(model_path: Path) -> tuple[int, ...]:
    model = caikit.load(str(model_path))
    assert isinstance(model, killed_saver.Whole)
    return model.numbers


@pytest.mark.parametrize("step", ["opened", "weights", "part"])
def test_killed_at_a_step(start: Start, tmp_path: Path, step: str) -> None:
    process = start(step)
    assert process.stdout is not None
    assert process.stdout.readline() == f"{step}\n"
    process.kill()
    process.wait()

    with pytest.raises(FileNotFoundError):
        caikit.load(str(tmp_path / "model"))
    killed_saver.Whole(7).save(str(tmp_path / "model"))
    assert numbers_of(tmp_path / "model") == (7, 7, 7)
    assert sorted(file.name for file in (tmp_path / "model").iterdir()) == ["config.yml", "part", "weights"]


def test_killed_at_any_moment(start: Start, tmp_path: Path) -> None:
    for _ in range(3):
        process = start()
        time.sleep(random.uniform(0.0, 0.1))
        process.kill()
        process.wait()
        try:
            numbers = numbers_of(tmp_path / "model")
        except FileNotFoundError:
            continue
        assert len(set(numbers)) == 1, numbers
