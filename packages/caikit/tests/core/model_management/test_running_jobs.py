"""Jobs while they run: their limits, progress, logs, and the moment when their result appears."""

from __future__ import annotations

import gc
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aconfig
import pytest
from durable_lib import LONG, Durable, DurableText, make_predictor, make_trainer, pass_by, wait_for

import caikit
from caikit.core import ModelManager
from caikit.core.data_model import JobStatus
from caikit.core.model_management import JobQueueFullError, ModelTrainerFutureBase, report_progress
from caikit.core.model_management.local_model_trainer import LocalModelTrainer

FORK = {"use_subprocess": True, "subprocess_start_method": "fork"}
SPAWN = {"use_subprocess": True}


def plain(**entries: Any) -> LocalModelTrainer:
    return LocalModelTrainer(aconfig.Config(entries, override_env_vars=False), "default")


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def leftovers(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if "draft" in path.name]


# -- limits


@pytest.mark.parametrize("recorded", [False, True])
def test_no_more_jobs_wait_than_allowed(tmp_path: Path, recorded: bool) -> None:
    entries = {"max_concurrent_jobs": 1, "max_queued_jobs": 2}
    trainer = make_trainer(tmp_path / "work", **entries) if recorded else plain(**entries)
    jobs = [trainer.train(Durable, number, folder=str(tmp_path), stop_at="training") for number in range(3)]
    message = (
        r"^No more training jobs are taken: 1 jobs run and 2 wait already \(max_concurrent_jobs and "
        r"max_queued_jobs of 'default'\)$"
    )
    for _ in range(2):
        with pytest.raises(JobQueueFullError, match=message):
            trainer.train(Durable, external_training_id="refused")
    with pytest.raises(Exception, match="Unknown training_id: refused"):
        trainer.get_model_future("refused")
    jobs[2].cancel()
    late = trainer.train(Durable, 4, external_training_id="refused")
    (tmp_path / "go").touch()
    late.wait()
    assert late.get_info().status is JobStatus.COMPLETED
    jobs[1].wait()
    assert jobs[1].get_info().status is JobStatus.COMPLETED


def test_nothing_waits_without_places() -> None:
    trainer = plain(max_concurrent_jobs=1, max_queued_jobs=0)
    gate = threading.Event()

    class Waiting(Durable):
        @classmethod
        def train(cls) -> Any:  # type: ignore[override] # another training
            gate.wait(LONG)
            return cls()

    running = trainer.train(Waiting)
    with pytest.raises(JobQueueFullError):
        trainer.train(Durable)
    gate.set()
    running.wait()
    until(lambda: _is_taken(trainer))
    assert plain(max_queued_jobs=None).train(Durable).load()
    with pytest.raises(ValueError, match="max_queued_jobs"):
        plain(max_queued_jobs=-1)
    with pytest.raises(TypeError):
        plain(max_queued_jobs="many")


def _is_taken(trainer: LocalModelTrainer) -> bool:
    try:
        trainer.train(Durable).wait()
    except JobQueueFullError:
        return False
    return True


# -- progress and logs


@pytest.mark.parametrize("entries", [{}, FORK, SPAWN])
def test_progress(tmp_path: Path, entries: dict[str, Any]) -> None:
    trainer = plain(**entries)
    future = trainer.train(
        Durable, folder=str(tmp_path), stop_at="training", progress=0.25, save_path=str(tmp_path / "m")
    )
    wait_for(tmp_path / "training")
    assert future.get_info().progress == 0.25
    (tmp_path / "go").touch()
    future.wait()
    assert future.get_info().progress == 0.25
    silent = trainer.train(Durable, save_path=str(tmp_path / "n"))
    silent.wait()
    assert silent.get_info().progress is None
    report_progress(0.5)


def test_progress_is_a_fraction() -> None:
    for given, shown in ((-1, 0.0), (7, 1.0), (float("nan"), None), (10**400, None)):
        future = plain().train(Durable, progress=given)
        future.wait()
        assert future.get_info().progress == shown


@pytest.mark.parametrize("entries", [{}, FORK, SPAWN])
def test_each_job_has_a_log(tmp_path: Path, entries: dict[str, Any]) -> None:
    trainer = make_trainer(tmp_path / "work", **entries)
    futures = [
        trainer.train(Durable, say=name, fail=name, save_path=str(tmp_path / name))
        for name in ("alpha", "beta")
    ]
    for future, name, other in zip(futures, ("alpha", "beta"), ("beta", "alpha"), strict=True):
        future.wait()
        assert future.log_path is not None
        text = Path(future.log_path).read_text()
        assert f"ValueError: {name}" in text
        # after a fork pytest still takes the log
        assert f"logged {name}" in text or entries is FORK
        assert "RUNNING" in text
        assert "ERRORED" in text
        assert other not in text
        assert (f"printed {name}" in text) is bool(entries)
    assert plain().train(Durable).log_path is None


# -- results appear as a whole


@pytest.mark.parametrize("entries", [{}, FORK])
def test_a_model_appears_when_it_is_complete(tmp_path: Path, entries: dict[str, Any]) -> None:
    future = plain(**entries).train(
        Durable, 1, folder=str(tmp_path), stop_at="saved", save_path=str(tmp_path / "models"), model_name="m"
    )
    wait_for(tmp_path / "saved")
    assert [path for path in (tmp_path / "models").iterdir() if not path.name.startswith(".")] == []
    (tmp_path / "go").touch()
    future.wait()
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["m"]
    assert caikit.load(str(tmp_path / "models" / "m")).number == 1  # type: ignore[attr-defined] # its own attribute


@pytest.mark.parametrize("stage", ["training", "saving", "saved"])
@pytest.mark.parametrize("entries", [{}, FORK])
def test_a_canceled_training_leaves_nothing(tmp_path: Path, stage: str, entries: dict[str, Any]) -> None:
    future = plain(**entries).train(
        Durable, 1, folder=str(tmp_path), stop_at=stage, save_path=str(tmp_path / "m"), save_with_id=True
    )
    wait_for(tmp_path / stage)
    future.cancel()
    assert future.get_info().status is JobStatus.CANCELED
    future.wait()
    assert future.get_info().status is JobStatus.CANCELED
    assert not any((tmp_path / "m").iterdir()) if (tmp_path / "m").exists() else True


def test_a_canceled_training_that_does_not_listen_leaves_nothing(tmp_path: Path) -> None:
    class Deaf(Durable):
        def save(self, model_path: str) -> None:
            super().save(model_path)
            try:
                pass_by(str(tmp_path), "deaf", "deaf")
            except RuntimeError:
                wait_for(tmp_path / "go")

    class DeafTraining(Durable):
        @classmethod
        def train(cls, *args: Any, **kwargs: Any) -> Any:
            return Deaf()

    future = plain().train(DeafTraining, save_path=str(tmp_path / "m"))
    wait_for(tmp_path / "deaf")
    future.cancel()
    (tmp_path / "go").touch()
    future.wait()
    assert future.get_info().status is JobStatus.CANCELED
    assert not (tmp_path / "m").exists()
    assert leftovers(tmp_path) == []


def test_a_model_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "m"
    for number in (1, 2):
        future = plain().train(Durable, number, save_path=str(path))
        future.wait()
        assert future.get_info().errors is None
        assert Durable.load(str(path)).number == number
    future = plain().train(Durable, 3, folder=str(tmp_path), stop_at="saved", save_path=str(path))
    wait_for(tmp_path / "saved")
    assert Durable.load(str(path)).number == 2
    (tmp_path / "go").touch()
    future.wait()
    assert Durable.load(str(path)).number == 3
    failed = plain().train(Durable, 4, fail="no", save_path=str(path))
    failed.wait()
    assert Durable.load(str(path)).number == 3
    assert leftovers(tmp_path) == []


def test_what_does_not_belong_to_the_model_stays(tmp_path: Path) -> None:
    path = tmp_path / "m"
    (path / "notes").mkdir(parents=True)
    (path / "notes" / "mine.txt").write_text("mine")
    for number in (1, 2):
        plain().train(Durable, number, save_path=str(path)).wait()
        assert Durable.load(str(path)).number == number
    assert (path / "notes" / "mine.txt").read_text() == "mine"
    assert {each.name for each in path.iterdir()} == {"notes", "config.yml"}


def test_links_lead_to_where_models_are_saved(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    future = plain().train(Durable, 1, save_path=str(tmp_path / "link"))
    future.wait()
    assert future.get_info().errors is None
    assert (tmp_path / "link").is_symlink()
    assert Durable.load(str(tmp_path / "real")).number == 1


def test_a_model_can_be_a_file_or_nothing(tmp_path: Path) -> None:
    class OneFile(Durable):
        @classmethod
        def train(cls, text: str) -> Any:  # type: ignore[override] # another training
            return cls(text)  # type: ignore[arg-type] # a text is fine here

        def save(self, model_path: str) -> None:
            if self.number:
                assert Path(model_path).name == "m.bin"
                Path(model_path).write_text(str(self.number))

    for text in ("a", "b"):
        future = plain().train(OneFile, text, save_path=str(tmp_path / "m.bin"))
        future.wait()
        assert future.get_info().errors is None
        assert (tmp_path / "m.bin").read_text() == text
    future = plain().train(OneFile, "", save_path=str(tmp_path / "nothing"))
    future.wait()
    assert future.get_info().status is JobStatus.COMPLETED
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.bin"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    future = plain().train(Durable, 1, save_path=str(tmp_path / "file" / "m"))
    future.wait()
    assert future.get_info().status is JobStatus.ERRORED
    with pytest.raises(NotADirectoryError):
        future.load()
    future = plain().train(Durable, 1, save_path=str(tmp_path / "file"))
    future.wait()
    assert future.get_info().status is JobStatus.ERRORED
    assert (tmp_path / "file").read_text() == "x"
    assert leftovers(tmp_path) == []


def test_more_parts_of_a_path(tmp_path: Path) -> None:
    def path_of(**kwargs: Any) -> str | None:
        future = LocalModelTrainer.LocalModelFuture("t", Durable, str(tmp_path), True, "id", (), {}, **kwargs)
        assert isinstance(future, ModelTrainerFutureBase)
        return future.save_path

    assert path_of(model_name="m", extra_path_args=["a", "b"]) == str(tmp_path / "id" / "a" / "b" / "m")
    with pytest.raises(ValueError, match="extra_path_args"):
        path_of(extra_path_args=[".."])


# -- modules that misbehave


@pytest.mark.parametrize("code", [0, 3])
@pytest.mark.parametrize("entries", [FORK, SPAWN])
def test_an_exit_in_the_middle_is_no_success(tmp_path: Path, code: int, entries: dict[str, Any]) -> None:
    future = plain(**entries).train(Durable, exit_code=code, save_path=str(tmp_path / "m"))
    future.wait()
    assert future.get_info().status is JobStatus.ERRORED
    with pytest.raises(RuntimeError, match=f"exit code {code}"):
        future.load()


def test_memory_that_is_not_there(tmp_path: Path) -> None:
    class Hungry(Durable):
        @classmethod
        def train(cls) -> Any:  # type: ignore[override] # another training
            import resource

            resource.setrlimit(resource.RLIMIT_AS, (1_000_000_000, resource.RLIM_INFINITY))
            return cls(len(bytearray(4_000_000_000)))

    future = plain(**FORK).train(Hungry, save_path=str(tmp_path / "m"))
    future.wait()
    assert future.get_info().status is JobStatus.ERRORED
    with pytest.raises(MemoryError):
        future.load()


def test_texts_that_cannot_be_stored(tmp_path: Path) -> None:
    class Garbled(Durable):
        @classmethod
        def train(cls) -> Any:  # type: ignore[override] # another training
            raise OSError("\ud800 \x00 \U0001f600")

    trainer = make_trainer(tmp_path / "work")
    future = trainer.train(Garbled)
    future.wait()
    assert future.get_info().status is JobStatus.ERRORED
    seen = make_trainer(tmp_path / "work").get_model_future(future.id).get_info()
    assert [str(each) for each in seen.errors or []] == ["? \x00 \U0001f600"]


# -- many at once


@pytest.fixture
def no_garbage() -> Iterator[None]:
    """An interruption that arrives while a thread happens to collect what other tests left is lost, with a warning."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


# A thread that is interrupted while it lists a folder leaves that to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed scandir iterator:ResourceWarning")
@pytest.mark.usefixtures("no_garbage")
@pytest.mark.parametrize("recorded", [False, True])
def test_many_trainings_and_cancellations(tmp_path: Path, recorded: bool) -> None:
    count = 60
    trainer = (
        make_trainer(tmp_path / "work", max_concurrent_jobs=4) if recorded else plain(max_concurrent_jobs=4)
    )
    chance = random.Random(7)
    futures: list[Any] = []
    lock = threading.Lock()

    def start(first: int) -> None:
        for number in range(first, first + count // 4):
            fail = "no" if number % 5 == 0 else None
            future = trainer.train(Durable, number, fail=fail, save_path=str(tmp_path / "m" / str(number)))
            with lock:
                futures.append(future)
            if number % 3 == 0:
                time.sleep(chance.random() / 200)
                future.cancel()

    threads = [threading.Thread(target=start, args=(first,)) for first in range(0, count, count // 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert len(futures) == count
    other = make_trainer(tmp_path / "work")
    for future in futures:
        future.wait()
        info = future.get_info()
        assert info.status.is_terminal
        assert Path(future.save_path, "config.yml").exists() is (info.status is JobStatus.COMPLETED)
        if recorded:
            assert other.get_model_future(future.id).get_info().status is info.status
    assert leftovers(tmp_path) == []


def test_trainings_for_one_place(tmp_path: Path) -> None:
    trainer = plain(max_concurrent_jobs=8)
    futures = [trainer.train(Durable, number, save_path=str(tmp_path / "m")) for number in range(40)]
    for future in futures:
        future.wait()
        assert future.get_info().errors is None
    assert Durable.load(str(tmp_path / "m")).number in range(40)
    assert leftovers(tmp_path) == []


def test_failed_jobs_do_not_pile_up() -> None:
    trainer = plain(retention_duration="0s", max_queued_jobs=None)
    for _ in range(300):
        trainer.train(Durable, fail="no").wait()
    until(lambda: _known(trainer) <= 1)


def _known(trainer: LocalModelTrainer) -> int:
    trainer.train(Durable, fail="no").wait()
    return len(trainer._jobs)


# -- labels


def test_labels(tmp_path: Path) -> None:
    for predictor in (make_predictor(tmp_path / "work"), make_predictor("")):
        future = predictor.predict(Durable(), "run", "text")
        assert future.labels == {}
        future.set_label("task", "A")
        future.set_label("team", "B")
        assert predictor.get_prediction_future(future.id).labels == {"task": "A", "team": "B"}
        assert future.result() == DurableText("text")


# -- the configuration


def test_components_are_built_again_after_a_reset(temp_config: Any, tmp_path: Path) -> None:
    manager = ModelManager()
    first = manager.get_trainer("default")
    work = {"config": {"work_dir": str(tmp_path / "work")}}
    temp_config({"model_management": {"trainers": {"default": work}, "job_predictors": {"default": work}}})
    assert manager.get_trainer("default") is first
    manager.reset_components()
    assert manager.get_trainer("default") is not first
    future = manager.train(Durable, wait=True)
    job = manager.start_prediction_job(Durable(), "run", "text", wait=True)
    other = ModelManager()
    assert other.get_model_future(future.id).get_info().status is JobStatus.COMPLETED
    assert other.get_prediction_future(job.id).result() == DurableText("text")
