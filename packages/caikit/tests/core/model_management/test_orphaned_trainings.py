"""Trainings whose server was killed go on in their own processes, and can be followed and cancelled."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from durable_lib import LONG, Durable, make_trainer, wait_for

from caikit.core.data_model import JobStatus

Start = Callable[[str], "subprocess.Popen[str]"]


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def orphan(start: Start, tmp_path: Path, stage: str = "training", method: str = "spawn", **more: Any) -> int:
    """Leave a training behind whose parent was killed when it had reached a stage; returns its process id."""
    process = start(
        f"""
        if __name__ == "__main__":
            trainer = make_trainer(work, use_subprocess=True, subprocess_start_method={method!r})
            trainer.train(Durable, 6, folder=".", stop_at={stage!r}, external_training_id="t", model_name="m",
                save_path="models/m", progress=0.25, say="hello", **{more!r})
            time.sleep(100)
        """
    )
    wait_for(tmp_path / stage)
    process.kill()
    process.wait(LONG)
    return int((tmp_path / stage).read_text())


def leftovers(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if "draft" in path.name]


def number_at(path: Path) -> int:
    return int(Durable.load(str(path)).number)


@pytest.mark.parametrize("stage", ["training", "saving", "saved"])
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_it_goes_on(start: Start, work: Path, tmp_path: Path, stage: str, method: str) -> None:
    worker = orphan(start, tmp_path, stage, method)
    trainer = make_trainer(work)
    future = trainer.get_model_future("t")
    assert future.get_info().status is JobStatus.RUNNING
    assert is_running(worker)
    until(lambda: future.get_info().progress == 0.25)
    info = future.get_info()
    assert (info.progress_text, info.metrics) == ("on the way", {"loss": 0.75})
    assert future.labels["model_name"] == "m"
    with pytest.raises(ValueError, match="Cannot restart training t that is currently running"):
        trainer.train(Durable, external_training_id="t")
    assert not (tmp_path / "models" / "m").exists()

    (tmp_path / "go").touch()
    future.wait()
    assert future.get_info().status is JobStatus.COMPLETED
    assert number_at(tmp_path / "models" / "m") == 6
    assert leftovers(tmp_path) == []
    log = Path(future.log_path or "").read_text(encoding="utf-8")
    assert "printed hello" in log
    assert "The process that started this job is gone; the job goes on" in log
    assert log.rstrip().endswith("COMPLETED")


def test_the_model_appears_though_nobody_looks(start: Start, work: Path, tmp_path: Path) -> None:
    orphan(start, tmp_path)
    (tmp_path / "go").touch()
    until((tmp_path / "models" / "m" / "config.yml").exists)
    assert number_at(tmp_path / "models" / "m") == 6
    future = make_trainer(work).get_model_future("t")
    future.wait()
    assert future.get_info().status is JobStatus.COMPLETED


@pytest.mark.parametrize("stage", ["training", "saving"])
def test_it_can_be_cancelled(start: Start, work: Path, tmp_path: Path, stage: str) -> None:
    worker = orphan(start, tmp_path, stage)
    future = make_trainer(work).get_model_future("t")
    future.cancel()
    until(lambda: future.get_info().status is JobStatus.CANCELED)
    assert not is_running(worker)
    assert leftovers(tmp_path) == []
    assert not (tmp_path / "models" / "m").exists()


def test_it_fails_for_its_own_reason(start: Start, work: Path, tmp_path: Path) -> None:
    orphan(start, tmp_path, fail="bad data")
    future = make_trainer(work).get_model_future("t")
    (tmp_path / "go").touch()
    future.wait()
    with pytest.raises(ValueError, match=r"^bad data$"):
        future.load()
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("stage", ["training", "saved"])
def test_it_dies_too(start: Start, work: Path, tmp_path: Path, stage: str) -> None:
    worker = orphan(start, tmp_path, stage)
    future = make_trainer(work).get_model_future("t")
    assert future.get_info().status is JobStatus.RUNNING
    os.kill(worker, signal.SIGKILL)
    future.wait()
    info = future.get_info()
    assert info.status is JobStatus.ERRORED
    assert "ended before the training had finished" in str(info.errors)
    assert leftovers(tmp_path) == []
    assert not (tmp_path / "models" / "m").exists()


def test_it_was_done_when_its_parent_died(start: Start, work: Path, tmp_path: Path) -> None:
    process = start(
        """
        if __name__ == "__main__":
            trainer = make_trainer(work, use_subprocess=True)
            trainer.train(Durable, 6, folder=".", stop_at="saved", external_training_id="t", save_path="m")
            time.sleep(100)
        """
    )
    wait_for(tmp_path / "saved")
    worker = int((tmp_path / "saved").read_text())
    process.send_signal(signal.SIGSTOP)  # takes no notice of what its child does
    (tmp_path / "go").touch()
    until(lambda: not is_running(worker))
    future = make_trainer(work).get_model_future("t")
    assert future.get_info().status is JobStatus.RUNNING
    process.kill()
    process.wait(LONG)
    future.wait()
    assert future.get_info().status is JobStatus.COMPLETED
    assert number_at(tmp_path / "m") == 6


def test_records_of_the_release_before(work: Path) -> None:
    work.mkdir()
    with sqlite3.connect(work / "jobs.sqlite3") as connection:
        connection.executescript(
            """
            CREATE TABLE jobs (
                kind TEXT NOT NULL, component TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL,
                status TEXT NOT NULL, submitted REAL NOT NULL, completed REAL, errors TEXT, progress REAL,
                save_path TEXT, draft_folder TEXT, publishing INTEGER NOT NULL DEFAULT 0, log_path TEXT,
                result_class TEXT, labels TEXT NOT NULL DEFAULT '{}', cancel INTEGER NOT NULL DEFAULT 0,
                PRIMARY KEY (kind, component, id)
            ) WITHOUT ROWID;
            INSERT INTO jobs (kind, component, id, owner, status, submitted, completed, progress)
                VALUES ('training', 'default', 'old', 'x', 'COMPLETED', 1.0, 2.0, 0.5),
                       ('training', 'default', 'lost', 'x', 'RUNNING', 2.0, NULL, NULL);
            PRAGMA user_version = 1;
            """
        )
    connection.close()
    trainer = make_trainer(work)
    assert trainer.get_model_future("old").get_info().progress == 0.5
    assert trainer.get_model_future("lost").get_info().status is JobStatus.ERRORED
    trainer.train(Durable, external_training_id="new").wait()
    assert [job.id for job in trainer.get_futures()] == ["new", "lost", "old"]
