"""The end of jobs that live in this process, and the end of this process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aconfig
import pytest

from caikit.core import DataObjectBase, ModelManager, ModuleBase, dataobject, module
from caikit.core.data_model import JobStatus
from caikit.core.model_management.local_job_predictor import LocalJobPredictor
from caikit.core.model_management.local_model_trainer import LocalModelTrainer

LONG = 20


@dataobject("tests.core.close_jobs")
class ClosedOutput(DataObjectBase):
    text: str


@module("2ff3f0a3-3b0f-4e53-9d7c-0a0d5c31a6ff", "Endless", "0.0.1")
class EndlessModule(ModuleBase):
    @classmethod
    def train(
        cls, started: str = "", deaf: bool = False, blocked: float = 0, short: bool = False
    ) -> EndlessModule:
        if deaf:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if started:
            Path(started).write_text(str(os.getpid()), encoding="utf-8")
        time.sleep(blocked)
        end = time.monotonic() + LONG
        while not short and time.monotonic() < end:
            time.sleep(0.005)
        return cls()

    def save(self, model_path: str) -> None:
        raise AssertionError(f"no training ends, but {model_path} is written")

    def run(self, text: str) -> ClosedOutput:
        self.train()
        return ClosedOutput(text)


def config(**entries: Any) -> aconfig.Config:
    return aconfig.Config(entries, override_env_vars=False)


def make_trainer(**entries: Any) -> LocalModelTrainer:
    return LocalModelTrainer(config(**entries), "test")


def wait_until(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + LONG
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.005)
    return found


def test_running_and_waiting_jobs_are_canceled() -> None:
    trainer = make_trainer(max_concurrent_jobs=1)
    running, waiting = trainer.train(EndlessModule), trainer.train(EndlessModule)
    assert trainer.close(LONG)
    for job in (running, waiting):
        assert job.get_info().status is JobStatus.CANCELED
        job.wait()
    again = trainer.train(EndlessModule, short=True)
    again.wait()
    assert again.get_info().status is JobStatus.COMPLETED
    assert trainer.close()


def test_a_thread_that_cannot_be_stopped_is_left_behind() -> None:
    trainer = make_trainer()
    job = trainer.train(EndlessModule, blocked=1, short=True)
    start = time.monotonic()
    assert not trainer.close(0.05)
    assert time.monotonic() - start < 0.9
    assert job.get_info().status is JobStatus.CANCELED


def test_a_process_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    trainer = make_trainer(use_subprocess=True, subprocess_start_method="fork")
    started = tmp_path / "started"
    job = trainer.train(EndlessModule, started=str(started), deaf=True, save_path=str(tmp_path / "model"))
    pid = int(wait_until(lambda: started.exists() and started.read_text()))
    start = time.monotonic()
    assert trainer.close(0.1)
    assert time.monotonic() - start < 5
    assert job.get_info().status is JobStatus.CANCELED
    assert not is_alive(pid)


def test_a_manager_closes_trainers_and_predictors(temp_config: Any) -> None:
    temp_config({"model_management": {"trainers": {"other": {"type": "LOCAL"}}}})
    manager = ModelManager()
    jobs = [
        manager.train(EndlessModule),
        manager.train(EndlessModule, trainer="other"),
        manager.start_prediction_job(EndlessModule(), "run", "text"),
    ]
    assert manager.close(LONG)
    assert [job.get_info().status for job in jobs] == [JobStatus.CANCELED] * 3
    assert ModelManager().close()


def test_a_job_with_a_free_place_runs_when_it_is_submitted() -> None:
    trainer = make_trainer(max_concurrent_jobs=1)
    predictor = LocalJobPredictor(config(max_concurrent_jobs=1), "test")
    gate = threading.Event()

    class Waiting:
        def work(self) -> ClosedOutput:
            gate.wait(LONG)
            return ClosedOutput("done")

    for _ in range(30):
        job = trainer.train(EndlessModule, short=True)
        assert job.get_info().status is not JobStatus.QUEUED
        job.wait()
    prediction = predictor.predict(Waiting(), "work")
    assert prediction.get_info().status is JobStatus.RUNNING
    gate.set()
    assert prediction.result() == ClosedOutput("done")


LIBRARY = """
import os, signal, sys, time
from pathlib import Path
import caikit
from caikit.core import MODEL_MANAGER, ModuleBase, ModuleSaver, module

@module("8d0b1a3f-5b7e-4f7e-9a51-5ac1f0ce2b1d", "Scripted", "0.0.1")
class Scripted(ModuleBase):
    @classmethod
    def train(cls, seconds, started=None):
        if started:
            Path(started).write_text(str(os.getpid()))
        time.sleep(seconds)
        return cls()

    def save(self, model_path):
        ModuleSaver(self, model_path).__enter__().__exit__(None, None, None)
"""


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def run(text: str) -> subprocess.Popen[str]:
        (tmp_path / "scripted_lib.py").write_text(LIBRARY, encoding="utf-8")
        path = tmp_path / "script.py"
        body = textwrap.indent(textwrap.dedent(text), "    ")
        path.write_text("from scripted_lib import *\nif __name__ == '__main__':\n" + body, encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, str(path)], cwd=tmp_path, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def test_a_script_finishes_its_trainings(script: Any, tmp_path: Path) -> None:
    process = script(
        """
        caikit.configure(config_dict={"model_management": {"trainers": {"default": {
            "config": {"max_concurrent_jobs": 1}}}}})
        for name in ("one", "two"):
            caikit.train(Scripted, 0.1, save_path=f"models/{name}")
        """
    )
    assert process.wait(LONG) == 0, process.stderr.read()
    for name in ("one", "two"):
        assert (tmp_path / "models" / name / "config.yml").exists()


def test_a_closed_manager_lets_the_interpreter_end(script: Any) -> None:
    process = script(
        """
        caikit.train(Scripted, 100)
        assert not MODEL_MANAGER.close(0.1)
        """
    )
    assert process.wait(LONG) == 0, process.stderr.read()


SUBPROCESS_TRAINING = """
    caikit.configure(config_dict={"model_management": {"trainers": {"default": {
        "config": {"use_subprocess": True}}}}})

    def stop(*_):
        sys.exit(0 if MODEL_MANAGER.close(5) else 1)

    signal.signal(signal.SIGTERM, stop)
    caikit.train(Scripted, 100, started="started", save_path="model")
    time.sleep(100)
    """


def test_sigterm_ends_a_training_in_a_subprocess(script: Any, tmp_path: Path) -> None:
    process = script(SUBPROCESS_TRAINING)
    child = int(wait_until(lambda: (tmp_path / "started").exists() and (tmp_path / "started").read_text()))
    process.terminate()
    assert process.wait(LONG) == 0, process.stderr.read()
    assert not is_alive(child)


def test_a_subprocess_ends_with_its_killed_parent(script: Any, tmp_path: Path) -> None:
    process = script(SUBPROCESS_TRAINING)
    child = int(wait_until(lambda: (tmp_path / "started").exists() and (tmp_path / "started").read_text()))
    process.kill()
    process.wait(LONG)
    wait_until(lambda: not is_alive(child))


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
