"""Training in threads and processes."""

from __future__ import annotations

import gc
import logging
import os
import threading
import time
import uuid
import weakref
from datetime import datetime
from pathlib import Path
from typing import Any

import aconfig
import pytest

import caikit
from caikit.core import (
    MODEL_MANAGER,
    DataObjectBase,
    ModelManager,
    ModuleBase,
    ModuleConfig,
    ModuleLoader,
    ModuleSaver,
    dataobject,
    module,
)
from caikit.core.data_model import DataStream, JobStatus
from caikit.core.exceptions.caikit_core_exception import CaikitCoreException, CaikitCoreStatusCode
from caikit.core.model_management import (
    ModelTrainerBase,
    ModelTrainerFutureBase,
    TrainingInfo,
    model_trainer_factory,
)
from caikit.core.model_management.job_base import JobInfo
from caikit.core.model_management.local_model_trainer import LocalModelTrainer
from caikit.core.toolkit.concurrency.destroyable_thread import ThreadDestroyedException
from caikit.core.toolkit.reversible_hasher import ReversibleHasher

LONG = 20


@module("5ae39c5b-3ac4-4f3c-8e1d-2f8b7c0a9d11", "Trained", "0.0.1")
class TrainedModule(ModuleBase):
    def __init__(self, numbers: list[int]) -> None:
        self.numbers = numbers

    @classmethod
    def train(
        cls,
        data: Any = (),
        gate: threading.Event | None = None,
        fail: str | None = None,
        exit_code: int | None = None,
        sleep: float = 0,
        base: TrainedModule | None = None,
    ) -> TrainedModule:
        if gate is not None:
            gate.wait(LONG)
        end = time.monotonic() + sleep
        while time.monotonic() < end:
            time.sleep(0.005)
        if exit_code is not None:
            os._exit(exit_code)
        if fail is not None:
            try:
                raise KeyError("cause")
            except KeyError as cause:
                raise ValueError(fail) from cause
        return cls([*(base.numbers if base else []), *data])

    def save(self, model_path: str) -> None:
        with ModuleSaver(self, model_path) as saver:
            if self.numbers == [13]:
                raise OSError("no space left")
            saver.update_config({"numbers": self.numbers})

    @classmethod
    def load(cls, model_path: str | ModuleConfig) -> TrainedModule:
        return cls(ModuleLoader(model_path).config.numbers)


def make_trainer(instance_name: str = "test", **entries: Any) -> LocalModelTrainer:
    return LocalModelTrainer(aconfig.Config(entries, override_env_vars=False), instance_name)


def wait_until(condition: Any) -> None:
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_training_from_start_to_end(tmp_path: Path) -> None:
    gate = threading.Event()
    future = caikit.train(
        TrainedModule,
        DataStream.from_iterable([1, 2]),
        gate=gate,
        save_path=str(tmp_path),
        save_with_id=True,
        model_name="mod",
    )
    wait_until(lambda: future.get_info().status is JobStatus.RUNNING)
    assert caikit.get_model_future(future.id) is future
    info = future.get_info()
    assert isinstance(info.submission_time, datetime)
    assert info.completion_time is None
    gate.set()
    future.wait()
    info = future.get_info()
    assert info.status is JobStatus.COMPLETED
    assert info.errors is None
    assert info.submission_time is not None
    assert info.completion_time is not None
    assert info.completion_time >= info.submission_time
    assert future.save_path == str(tmp_path / future.id / "mod")
    model = caikit.load(future.save_path)
    assert isinstance(model, TrainedModule)
    assert model.numbers == [1, 2]
    assert future.load().metadata["numbers"] == [1, 2]
    assert isinstance(future.result(), TrainedModule)


@module(str(uuid.uuid4()), "Unsaved", "0.0.1")
class UnsavedModule(ModuleBase):
    @classmethod
    def train(cls, gate: threading.Event) -> UnsavedModule:
        gate.wait(LONG)
        return cls()


@module(str(uuid.uuid4()), "Makes another", "0.0.1")
class MakesAnotherModule(ModuleBase):
    @classmethod
    def train(cls) -> TrainedModule:
        return TrainedModule([7])


@module(str(uuid.uuid4()), "Makes any", "0.0.1")
class MakesAnyModule(ModuleBase):
    @classmethod
    def train(cls) -> ModuleBase:
        return UnsavedModule()


@module(str(uuid.uuid4()), "Saved child", "0.0.1")
class SavedChildModule(UnsavedModule):
    def save(self, model_path: str) -> None:
        ModuleConfig({"module_id": self.MODULE_ID}).save(model_path)


def test_what_cannot_be_saved_is_not_trained(tmp_path: Path) -> None:
    gate = threading.Event()
    refused = caikit.train(UnsavedModule, gate=gate, save_path=str(tmp_path), wait=True)
    surprise = caikit.train(MakesAnyModule, save_path=str(tmp_path), model_name="any", wait=True)
    for training in (refused, surprise):
        info = training.get_info()
        assert info.status is JobStatus.ERRORED
        assert [str(problem) for problem in info.errors or []] == [
            f"Module {__name__}.UnsavedModule has no save(model_path): a trained model would be lost"
        ]
    gate.set()
    assert isinstance(caikit.train(UnsavedModule, gate=gate, wait=True).load(), UnsavedModule)
    other = caikit.train(MakesAnotherModule, save_path=str(tmp_path), model_name="other", wait=True)
    assert other.get_info().status is JobStatus.COMPLETED
    assert caikit.load(str(tmp_path / "other")).numbers == [7]
    child = caikit.train(SavedChildModule, gate=gate, save_path=str(tmp_path), model_name="child", wait=True)
    assert child.get_info().status is JobStatus.COMPLETED


def test_modules_can_be_named_by_id() -> None:
    future = caikit.train(TrainedModule.MODULE_ID, data=[3], wait=True)
    model = future.load()
    assert isinstance(model, TrainedModule)
    assert model.numbers == [3]
    assert future.load() is model
    assert future.save_path is None
    with pytest.raises(ValueError, match="Unable to train unknown module nope"):
        caikit.train("nope")
    with pytest.raises(TypeError):
        caikit.train(str)  # type: ignore[arg-type] # the mistake


def test_errors_belong_to_the_job(tmp_path: Path) -> None:
    future = caikit.train(TrainedModule, fail="no data", wait=True)
    info = future.get_info()
    assert info.status is JobStatus.ERRORED
    assert info.completion_time is not None
    assert info.errors is not None
    with pytest.raises(ValueError, match="no data") as raised:
        future.load()
    assert raised.value is info.errors[0]

    future = caikit.train(TrainedModule, [13], save_path=str(tmp_path), wait=True)
    assert future.get_info().status is JobStatus.ERRORED
    with pytest.raises(OSError, match="no space left"):
        future.result()


def test_a_saved_model_leaves_the_memory(tmp_path: Path) -> None:
    saved = make_trainer().train(TrainedModule, [987], save_path=str(tmp_path))
    saved.wait()
    gc.collect()
    assert [
        each for each in gc.get_objects() if isinstance(each, TrainedModule) and each.numbers == [987]
    ] == []
    model = saved.load()
    assert isinstance(model, TrainedModule)
    assert model.numbers == [987]


def test_the_data_of_a_finished_job_is_released() -> None:
    class Data(list[int]):
        pass

    data = Data([1])
    gone = weakref.ref(data)
    trainer = make_trainer()
    futures = [trainer.train(TrainedModule, data), trainer.train(TrainedModule, data, fail="x")]
    for future in futures:
        future.wait()
    del data
    wait_until(lambda: gc.collect() >= 0 and gone() is None)


def test_cancellation() -> None:
    gate = threading.Event()
    future = make_trainer().train(TrainedModule, gate=gate)
    wait_until(lambda: future.get_info().status is JobStatus.RUNNING)
    future.cancel()
    info = future.get_info()
    assert info.status is JobStatus.CANCELED
    assert info.completion_time is not None
    gate.set()
    future.wait()
    assert future.get_info() == info
    with pytest.raises(ThreadDestroyedException):
        future.load()
    future.cancel()


def test_a_finished_job_keeps_its_state() -> None:
    future = make_trainer().train(TrainedModule, [1])
    future.wait()
    future.cancel()
    assert future.get_info().status is JobStatus.COMPLETED


def test_jobs_wait_for_their_turn() -> None:
    gate = threading.Event()
    trainer = make_trainer(max_concurrent_jobs=1)
    first = trainer.train(TrainedModule, gate=gate)
    second, third = trainer.train(TrainedModule, [2]), trainer.train(TrainedModule, [3])
    wait_until(lambda: first.get_info().status is JobStatus.RUNNING)
    assert second.get_info().status is JobStatus.QUEUED
    assert trainer.get_model_future(second.id) is second
    second.cancel()
    assert second.get_info().status is JobStatus.CANCELED
    second.wait()
    with pytest.raises(ThreadDestroyedException):
        second.load()
    gate.set()
    third.wait()
    assert third.get_info().status is JobStatus.COMPLETED
    with pytest.raises(ValueError, match="max_concurrent_jobs"):
        make_trainer(max_concurrent_jobs=-1)


def test_paths_of_trained_models(tmp_path: Path) -> None:
    trainer = make_trainer()

    def path_of(save_path: Path, **kwargs: Any) -> str | None:
        future = trainer.train(TrainedModule, save_path=str(save_path), **kwargs)
        future.wait()
        assert future.save_path is not None
        assert Path(future.save_path, "config.yml").exists()
        return future.save_path

    assert path_of(tmp_path / "t2", model_name="t2") == str(tmp_path / "t2")
    assert path_of(tmp_path / "models", model_name="model") == str(tmp_path / "models" / "model")
    assert path_of(tmp_path / "t3", external_training_id="EXT", save_with_id=True) == str(
        tmp_path / "t3" / "EXT"
    )
    assert path_of(tmp_path / "EXT2", external_training_id="EXT2", save_with_id=True) == str(
        tmp_path / "EXT2"
    )
    named = path_of(
        tmp_path / "training", external_training_id="E3", save_with_id=True, model_name="training"
    )
    assert named == str(tmp_path / "training" / "E3" / "training")


@pytest.mark.parametrize("name", ["..", ".", "a/b", "/etc", "..\\x", "a\0b"])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="model_name"):
        make_trainer().train(TrainedModule, save_path=str(tmp_path), model_name=name)
    with pytest.raises(ValueError, match="id"):
        make_trainer().train(
            TrainedModule, save_path=str(tmp_path), external_training_id=name, save_with_id=True
        )
    assert list(tmp_path.iterdir()) == []


def test_other_storage_is_refused() -> None:
    class S3Path:
        pass

    with pytest.raises(ValueError, match="S3 output path not supported by this runtime"):
        make_trainer().train(TrainedModule, save_path=S3Path())  # type: ignore[arg-type] # the mistake


def test_an_external_id_can_be_used_again() -> None:
    trainer = make_trainer()
    gate = threading.Event()
    first = trainer.train(TrainedModule, gate=gate, external_training_id="mine")
    assert first.id == "mine"
    with pytest.raises(ValueError, match="Cannot restart training mine that is currently running"):
        trainer.train(TrainedModule, external_training_id="mine")
    gate.set()
    first.wait()
    second = trainer.train(TrainedModule, external_training_id="mine")
    assert trainer.get_model_future("mine") is second
    second.wait()


def test_jobs_of_every_trainer_are_found(temp_config: Any, caplog: pytest.LogCaptureFixture) -> None:
    name = f"t{uuid.uuid4().hex}"
    temp_config({"model_management": {"trainers": {name: {"type": "LOCAL", "config": {}}}}})
    manager = ModelManager()
    future = manager.train(TrainedModule, trainer=name, wait=True)
    assert uuid.UUID(future.id)
    assert manager.get_model_future(future.id) is future
    assert manager.get_model_future(f"{ReversibleHasher.hash(name)}:{future.id}") is future
    with pytest.raises(CaikitCoreException) as raised:
        manager.get_model_future("abc")
    assert raised.value.status_code is CaikitCoreStatusCode.NOT_FOUND
    assert raised.value.message == "Unknown training_id: abc"
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_expired_jobs_and_their_models(tmp_path: Path) -> None:
    for entries, stays in (({}, False), ({"delete_expired_models": False}, True)):
        trainer = make_trainer(retention_duration="0s", **entries)
        path = tmp_path / str(stays)
        future = trainer.train(TrainedModule, save_path=str(path))
        future.wait()
        with pytest.raises(CaikitCoreException, match="Unknown training_id"):
            trainer.get_model_future(future.id)
        assert path.exists() is stays


def test_jobs_that_are_kept() -> None:
    trainer = make_trainer(retention_duration="1d12h3m0.2s")
    future = trainer.train(TrainedModule)
    future.wait()
    assert trainer.get_model_future(future.id) is future


@pytest.mark.parametrize("text", ["5", "bad", "1h1d", "1.5h"])
def test_bad_retention(text: str) -> None:
    with pytest.raises(ValueError, match=f"Invalid retention_duration: {text}"):
        make_trainer(retention_duration=text)
    with pytest.raises(TypeError):
        make_trainer(retention_duration=12)


# -- arguments


@module(str(uuid.uuid4()), "Colliding", "0.0.1")
class CollidingModule(ModuleBase):
    """Has parameters that trainers and the manager have, too."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given

    @classmethod
    def train(
        cls,
        wait: int = 0,
        trainer: str = "",
        save_path: str = "",
        save_with_id: int = 0,
        model_name: str = "",
        module: str = "",
        module_class: str = "",
        module_kwargs: str = "",
        args: str = "",
        kwargs: str = "",
        external_training_id: str = "",
        other: int = 0,
    ) -> CollidingModule:
        return cls({name: value for name, value in locals().items() if value and name != "cls"})

    def run(self, predictor: str, wait: str, model_instance: str, save_with_id: str) -> JobText:
        return JobText(" ".join((predictor, wait, model_instance, save_with_id)))


@dataobject("tests.core.train_models")
class JobText(DataObjectBase):
    text: str


def test_arguments_with_the_names_of_others() -> None:
    given = {
        **dict.fromkeys(("trainer", "save_path", "model_name", "module", "module_class"), "x"),
        **dict.fromkeys(("module_kwargs", "args", "kwargs", "external_training_id"), "y"),
        **dict.fromkeys(("wait", "save_with_id", "other"), 5),
    }
    future = caikit.train(CollidingModule, module_kwargs=given, external_training_id=uuid.uuid4().hex)
    model = future.load()
    assert isinstance(model, CollidingModule)
    assert model.given == given
    names = ("predictor", "wait", "model_instance", "save_with_id")
    job = MODEL_MANAGER.start_prediction_job(model, "run", module_kwargs={name: name for name in names})
    assert job.result() == JobText(" ".join(names))


def test_a_trainer_without_such_names_gets_plain_keywords() -> None:
    seen: dict[str, Any] = {}

    class Elsewhere(LocalModelTrainer):
        def train(self, module_class: Any, *args: Any, **kwargs: Any) -> Any:
            seen.update(kwargs)
            return super().train(module_class, *args, **kwargs)

    trainer = Elsewhere(aconfig.Config({}, override_env_vars=False), "elsewhere")
    future = caikit.train(CollidingModule, trainer=trainer, module_kwargs={"other": 1, "model_name": "x"})
    assert future.load().given == {"other": 1, "model_name": "x"}  # type: ignore[attr-defined] # its own attribute
    assert (seen["other"], seen["module_kwargs"]) == (1, {"model_name": "x"})


# -- subprocesses


def fork(**entries: Any) -> LocalModelTrainer:
    return make_trainer(use_subprocess=True, subprocess_start_method="fork", **entries)


def test_training_in_a_process(tmp_path: Path) -> None:
    future = fork().train(TrainedModule, [1, 2], save_path=str(tmp_path), model_name="m")
    future.wait()
    info = future.get_info()
    assert info.status is JobStatus.COMPLETED
    assert info.completion_time is not None
    model = future.load()
    assert isinstance(model, TrainedModule)
    assert model.numbers == [1, 2]


@pytest.mark.timeout(60)
def test_a_spawned_process_gets_models(tmp_path: Path) -> None:
    trainer = make_trainer(use_subprocess=True)
    future = trainer.train(
        TrainedModule,
        DataStream.from_iterable([3]),
        base=TrainedModule([1, 2]),
        save_path=str(tmp_path),
    )
    model = future.load()
    assert isinstance(model, TrainedModule)
    assert model.numbers == [1, 2, 3]


def test_errors_in_a_process(tmp_path: Path) -> None:
    future = fork().train(TrainedModule, fail="no data", save_path=str(tmp_path / "x"))
    future.wait()
    errors = future.get_info().errors or []
    assert [str(each) for each in errors] == ["no data"]
    assert isinstance(errors[0].__cause__, KeyError)
    with pytest.raises(ValueError, match="no data"):
        future.load()

    for code, error in ((137, MemoryError), (3, RuntimeError)):
        future = fork().train(TrainedModule, exit_code=code, save_path=str(tmp_path / "x"))
        future.wait()
        assert future.get_info().status is JobStatus.ERRORED
        with pytest.raises(error):
            future.load()


def test_a_canceled_process(tmp_path: Path) -> None:
    future = fork().train(TrainedModule, sleep=LONG, save_path=str(tmp_path / "x"))
    wait_until(lambda: future.get_info().status is JobStatus.RUNNING)
    future.cancel()
    info = future.get_info()
    assert info.status is JobStatus.CANCELED
    assert info.completion_time is not None
    future.wait()
    assert future.get_info().status is JobStatus.CANCELED
    with pytest.raises(ValueError, match="saved in subprocess, path does not exist"):
        future.load()


def test_a_process_needs_a_path_for_its_model(caplog: pytest.LogCaptureFixture) -> None:
    future = fork().train(TrainedModule)
    assert "<COR28853922W>" in caplog.text
    with pytest.raises(
        ValueError, match=f"Unable to load model from training {future.id} trained in subprocess"
    ):
        future.load()
    with pytest.raises(ValueError, match="Unsupported start_method"):
        make_trainer(use_subprocess=True, subprocess_start_method="bogus").train(TrainedModule)


# -- other trainers


def test_trainers_of_others(temp_config: Any) -> None:
    class OtherFuture(ModelTrainerFutureBase):
        def __init__(self, parent: Any, model: ModuleBase, **kwargs: Any) -> None:
            super().__init__(trainer_name=parent.instance_name, training_id="1", **kwargs)
            self._model = model

        def get_info(self) -> JobInfo:
            return TrainingInfo(JobStatus.COMPLETED)

        def cancel(self) -> None: ...
        def wait(self) -> None: ...

        def load(self) -> ModuleBase:
            return self._model

    class OtherTrainer(ModelTrainerBase):
        name = f"OTHER-{uuid.uuid4().hex}"

        def __init__(self, config: Any, instance_name: str) -> None:
            self.instance_name = instance_name
            self.jobs: dict[str, ModelTrainerFutureBase] = {}

        def train(
            self, module_class: type[ModuleBase], *args: Any, save_path: Any = None, save_with_id: bool = False,
            model_name: Any = None, **kwargs: Any,
        ) -> ModelTrainerFutureBase:  # fmt: skip
            future = OtherFuture(
                self, module_class.train(*args, **kwargs), save_path=save_path, save_with_id=save_with_id
            )
            self.jobs[future.id] = future
            return future

        def get_model_future(self, training_id: str) -> ModelTrainerFutureBase:
            return self.jobs[training_id]

    model_trainer_factory.register(OtherTrainer)
    name = f"other_{uuid.uuid4().hex}"
    temp_config({"model_management": {"trainers": {name: {"type": OtherTrainer.name}}}})
    future = MODEL_MANAGER.train(TrainedModule, [1], trainer=name, save_path="here", save_with_id=True)
    assert future.id == f"{ReversibleHasher.hash(name)}:1"
    assert ModelTrainerBase.get_trainer_name(future.id) == name
    assert future.save_path == os.path.join("here", future.id)
    assert MODEL_MANAGER.get_model_future(future.id) is future
    assert isinstance(future.result(), TrainedModule)
    assert ModelTrainerBase.ModelFutureBase is ModelTrainerFutureBase
