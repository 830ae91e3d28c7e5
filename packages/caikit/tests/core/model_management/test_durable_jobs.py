"""Jobs that are recorded in a directory outlive the process that ran them."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from durable_lib import LONG, Durable, DurableText, make_predictor, make_trainer, wait_for

from caikit.core import ModuleBase
from caikit.core.data_model import JobStatus
from caikit.core.exceptions.caikit_core_exception import CaikitCoreException
from caikit.core.model_management import JobStoreError

Start = Callable[[str], "subprocess.Popen[str]"]


def reach(process: subprocess.Popen[str], *paths: Path) -> None:
    """Wait until the process has made the files."""
    until(lambda: process.poll() is not None or all(path.exists() for path in paths))
    assert process.poll() is None, process.stdout and process.stdout.read()


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(LONG)


def model_at(path: Path) -> Durable:
    model = Durable.load(str(path))
    assert isinstance(model, ModuleBase)
    return model


def leftovers(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if "draft" in path.name]


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


# -- what has ended is known after a restart


def test_finished_jobs_are_known_after_a_restart(start: Start, work: Path, tmp_path: Path) -> None:
    process = start(
        """
        trainer, predictor = make_trainer(work), make_predictor(work)
        def go(job_id, **kwargs):
            trainer.train(Durable, external_training_id=job_id, **kwargs).wait()
        go("done", number=7, save_path="models/done", progress=0.5, say="hello")
        go("failed", fail="bad data", save_path="models/failed")
        go("memory")
        canceled = trainer.train(Durable, external_training_id="canceled", folder=".", stop_at="training")
        wait_for("training")
        canceled.cancel()
        for name, fail in (("result", None), ("nothing", "missing")):
            predictor.predict(Durable(), "run", "text", fail=fail, external_prediction_id=name).wait()
        predictor.get_prediction_future("result").set_label("task", "Some")
        predictor.predict(Durable(), "run", "text").wait()
        open("go", "w").close()
        """
    )
    assert process.wait(LONG) == 0, process.stdout and process.stdout.read()
    trainer, predictor = make_trainer(work), make_predictor(work)

    done = trainer.get_model_future("done")
    info = done.get_info()
    assert (info.status, info.errors, info.progress) == (JobStatus.COMPLETED, None, 0.5)
    assert info.submission_time is not None
    assert info.completion_time is not None
    assert info.completion_time >= info.submission_time
    assert done.save_path == str(tmp_path / "models" / "done")
    model = done.load()
    assert isinstance(model, Durable)
    assert model.number == 7
    done.cancel()
    assert done.get_info().status is JobStatus.COMPLETED
    assert "logged hello" in Path(done.log_path).read_text()  # type: ignore[attr-defined] # of recorded jobs

    failed = trainer.get_model_future("failed")
    assert failed.get_info().status is JobStatus.ERRORED
    with pytest.raises(ValueError, match=r"^bad data$"):
        failed.load()
    assert "ValueError: bad data" in Path(failed.log_path).read_text()  # type: ignore[attr-defined] # of recorded jobs
    assert not (tmp_path / "models" / "failed").exists()

    canceled = trainer.get_model_future("canceled")
    assert canceled.get_info().status is JobStatus.CANCELED
    with pytest.raises(RuntimeError, match="canceled"):
        canceled.load()

    memory = trainer.get_model_future("memory")
    assert memory.get_info().status is JobStatus.COMPLETED
    with pytest.raises(ValueError, match="in the memory of a process that has ended"):
        memory.load()

    result = predictor.get_prediction_future("result")
    assert result.result() == DurableText("text")
    assert result.labels == {"task": "Some"}
    nothing = predictor.get_prediction_future("nothing")
    assert [str(each) for each in nothing.get_info().errors or []] == ["'missing'"]
    with pytest.raises(CaikitCoreException, match="Prediction result for nothing is not found"):
        nothing.result()

    again = trainer.train(
        Durable, 8, external_training_id="done", save_path=str(tmp_path / "models" / "done")
    )
    again.wait()
    assert trainer.get_model_future("done") is again
    assert model_at(tmp_path / "models" / "done").number == 8
    assert len(list((work / "logs").glob("training-done-*"))) == 1


# -- a process that is killed


@pytest.mark.parametrize("stage", ["training", "saving", "saved"])
@pytest.mark.parametrize("mode", ["thread", "fork"])
def test_a_killed_process_leaves_failed_jobs(
    start: Start, work: Path, tmp_path: Path, stage: str, mode: str
) -> None:
    entries = "" if mode == "thread" else ", use_subprocess=True, subprocess_start_method='fork'"
    process = start(
        f"""
        trainer = make_trainer(work, max_concurrent_jobs=1{entries})
        for name in ("running", "waiting"):
            trainer.train(Durable, 1, folder=".", stop_at="{stage}", external_training_id=name,
                save_path="models/" + name)
        open("up", "w").close()
        time.sleep(100)
        """
    )
    reach(process, tmp_path / stage, tmp_path / "up")
    worker = int((tmp_path / stage).read_text())
    observer = make_trainer(work)
    assert observer.get_model_future("running").get_info().status is JobStatus.RUNNING
    kill(process)
    trainer = make_trainer(work)
    for name, word in (("running", "finished"), ("waiting", "started")):
        future = trainer.get_model_future(name)
        future.wait()
        info = future.get_info()
        assert info.status is JobStatus.ERRORED
        assert info.completion_time is not None
        reason = f"The process that ran this training ended before the training had {word}"
        assert [str(each) for each in info.errors or []] == [reason]
        with pytest.raises(RuntimeError, match=reason):
            future.load()
    assert not (tmp_path / "models" / "running").exists()
    until(lambda: not is_alive(worker))
    retry = trainer.train(
        Durable, 2, external_training_id="running", save_path=str(tmp_path / "models/running")
    )
    retry.wait()
    assert model_at(tmp_path / "models" / "running").number == 2


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_killed_process_leaves_failed_predictions(start: Start, work: Path, tmp_path: Path) -> None:
    process = start(
        """
        predictor = make_predictor(work)
        predictor.predict(Durable(), "run", "x", folder=".", stop_at="predicting", external_prediction_id="p")
        time.sleep(100)
        """
    )
    reach(process, tmp_path / "predicting")
    kill(process)
    future = make_predictor(work).get_prediction_future("p")
    future.wait()
    assert future.get_info().status is JobStatus.ERRORED
    with pytest.raises(CaikitCoreException, match="Prediction result for p is not found"):
        future.result()


def test_a_result_that_was_complete_appears(start: Start, work: Path, tmp_path: Path) -> None:
    """Killed between the decision that the result counts and the end of its way to its place."""
    process = start(
        """
        trainer = make_trainer(work)
        trainer.train(Durable, 5, folder=".", stop_at="saved", external_training_id="t", save_path="models/t")
        time.sleep(100)
        """
    )
    reach(process, tmp_path / "saved")
    with sqlite3.connect(work / "jobs.sqlite3") as connection:
        connection.execute("UPDATE jobs SET publishing = 1 WHERE id = 't'")
    connection.close()
    kill(process)
    future = make_trainer(work).get_model_future("t")
    future.wait()
    assert future.get_info().status is JobStatus.COMPLETED
    assert model_at(tmp_path / "models" / "t").number == 5
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("stage", ["training", "saving", "saved"])
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_killed_training_process(work: Path, tmp_path: Path, stage: str, method: str) -> None:
    trainer = make_trainer(work, use_subprocess=True, subprocess_start_method=method)
    future = trainer.train(Durable, 1, folder=str(tmp_path), stop_at=stage, save_path=str(tmp_path / "m"))
    wait_for(tmp_path / stage)
    os.kill(int((tmp_path / stage).read_text()), signal.SIGKILL)
    future.wait()
    assert future.get_info().status is JobStatus.ERRORED
    with pytest.raises(MemoryError, match="Training process died"):
        future.load()
    assert not (tmp_path / "m").exists()
    assert leftovers(tmp_path) == []
    with pytest.raises(MemoryError):
        record_of(work, future.id).load()


def record_of(work: Path, job_id: str) -> Any:
    """The job as another process sees it."""
    return make_trainer(work).get_model_future(job_id)


def test_a_stopped_process_says_why_its_jobs_ended(start: Start, work: Path, tmp_path: Path) -> None:
    process = start(
        """
        trainer = make_trainer(work, use_subprocess=True)
        trainer.train(Durable, folder=".", stop_at="training", external_training_id="t", save_path="m")
        wait_for("training")
        sys.exit(0 if trainer.close(10) else 1)
        """
    )
    assert process.wait(LONG) == 0
    info = make_trainer(work).get_model_future("t").get_info()
    assert info.status is JobStatus.CANCELED
    assert [str(each) for each in info.errors or []] == [
        "Cancelled because the process that ran the job was stopped"
    ]


# -- several processes


def test_processes_share_a_directory(start: Start, work: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    process = start(
        """
        trainer = make_trainer(work)
        trainer.train(Durable, 3, folder=".", stop_at="training", external_training_id="one", progress=0.25)
        trainer.train(Durable, 3, folder="other", stop_at="training", external_training_id="two", save_path="two")
        print("up", flush=True)
        time.sleep(100)
        """
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    reach(process, tmp_path / "training", tmp_path / "other" / "training")
    trainer = make_trainer(work)
    one, two = trainer.get_model_future("one"), trainer.get_model_future("two")
    assert one.get_info().status is JobStatus.RUNNING
    until(lambda: one.get_info().progress == 0.25)
    with pytest.raises(ValueError, match="Cannot restart training one that is currently running"):
        trainer.train(Durable, external_training_id="one")
    one.cancel()
    assert one.get_info().status is JobStatus.CANCELED
    assert trainer.train(Durable, 4, external_training_id="one").load().number == 4  # type: ignore[attr-defined] # ours
    (tmp_path / "other" / "go").touch()
    two.wait()
    assert two.load().number == 3  # type: ignore[attr-defined] # ours
    mine = trainer.train(Durable, 5, external_training_id="two")
    mine.wait()
    assert trainer.get_model_future("two") is mine


def test_expired_jobs_are_forgotten_and_models_stay(start: Start, work: Path, tmp_path: Path) -> None:
    process = start(
        """
        make_trainer(work).train(Durable, 3, external_training_id="t", save_path="models/t").wait()
        make_predictor(work).predict(Durable(), "run", "x", external_prediction_id="p").wait()
        """
    )
    assert process.wait(LONG) == 0
    trainer = make_trainer(work, retention_duration="0s")
    mine = trainer.train(Durable, 3, save_path=str(tmp_path / "models" / "u"))
    mine.wait()
    for name in ("t", mine.id):
        with pytest.raises(CaikitCoreException, match=f"Unknown training_id: {name}"):
            trainer.get_model_future(name)
    assert {path.name for path in (tmp_path / "models").iterdir()} == {"t", "u"}
    with pytest.raises(CaikitCoreException, match="Unknown background_id: p"):
        make_predictor(work, retention_duration="0s").get_prediction_future("p")
    assert [path for path in work.rglob("*") if path.is_file() and path.suffix in (".log", ".bin")] == []


# -- trouble with the directory


@pytest.mark.parametrize("damage", ["all", "head", "middle"])
def test_unreadable_records_are_set_aside(
    start: Start, work: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    process = start(
        """
        trainer = make_trainer(work)
        for number in range(40):
            trainer.train(Durable, external_training_id=f"{number}" * 50, fail="x" * 500).wait()
        """
    )
    assert process.wait(LONG) == 0
    file = work / "jobs.sqlite3"
    content = bytearray(file.read_bytes())
    match damage:
        case "all":
            content[:] = os.urandom(len(content))
        case "head":
            content[:100] = bytes(100)
        case "middle":
            content[4096:] = os.urandom(len(content) - 4096)
    file.write_bytes(content)
    with caplog.at_level(logging.ERROR):
        trainer = make_trainer(work)
    assert "earlier jobs are unknown from now on" in caplog.text
    kept = list(work.glob("jobs.sqlite3.unreadable-*"))
    assert [path.read_bytes() for path in kept] == [bytes(content)]
    future = trainer.train(Durable, external_training_id="new")
    future.wait()
    assert future.get_info().status is JobStatus.COMPLETED


def test_records_of_another_release_are_left_alone(work: Path) -> None:
    work.mkdir()
    with sqlite3.connect(work / "jobs.sqlite3") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(JobStoreError, match=r"expected version 2, got 99 \(model_management.*work_dir\)"):
        make_trainer(work)


def test_a_directory_that_cannot_be_used(work: Path) -> None:
    work.write_text("a file")
    with pytest.raises(JobStoreError, match=r"work_dir .*work of jobs cannot be used: .*config.work_dir"):
        make_trainer(work)
    with pytest.raises(TypeError):
        make_trainer(work, work_dir=7)


def test_a_full_disk(start: Start, tmp_path: Path) -> None:
    """Without room a job is refused, or fails; it never counts as done."""
    process = start(
        """
        import resource
        from caikit.core.model_management import JobStoreError
        trainer = make_trainer(work)
        running = trainer.train(Durable, 1, folder=".", stop_at="saving", external_training_id="t", save_path="m")
        wait_for("saving")
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
        open("go", "w").close()
        running.wait()
        assert "File too large" in str(running.get_info().errors), running.get_info()
        try:
            trainer.train(Durable)
        except JobStoreError as problem:
            print(problem)
        else:
            raise AssertionError("not refused")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        time.sleep(1.2)
        """
    )
    output, _ = process.communicate(timeout=LONG)
    assert process.returncode == 0, output
    assert "jobs.sqlite3 cannot be used" in output
    info = make_trainer(tmp_path / "work").get_model_future("t").get_info()
    assert info.status is JobStatus.ERRORED
    assert "File too large" in str(info.errors)
    assert not (tmp_path / "m").exists()


def test_a_directory_that_was_removed(work: Path) -> None:
    make_trainer(work).train(Durable, external_training_id="old").wait()
    shutil.rmtree(work)
    trainer = make_trainer(work)
    trainer.train(Durable, external_training_id="new").wait()
    assert trainer.get_model_future("new").get_info().status is JobStatus.COMPLETED
    with pytest.raises(CaikitCoreException, match="Unknown training_id: old"):
        trainer.get_model_future("old")
