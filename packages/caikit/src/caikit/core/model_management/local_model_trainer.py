"""Trains models in this process or in child processes."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aconfig
import alog

from ..data_model.job import JobStatus
from ..exceptions import error_handler
from ..modules._offered import require_save, require_trained_save
from ..modules.base import ModuleBase
from ..toolkit.concurrency.destroyable_thread import ThreadDestroyedException
from ._draft import Draft, remove_empty
from ._job_record import JobRecord
from ._recorded_jobs import RecordedTraining
from .local_job_base import LocalJobBase, LocalJobFuture
from .model_trainer_base import (
    MODEL_NAME_LABEL,
    MODULE_LABEL,
    ModelTrainerBase,
    ModelTrainerFutureBase,
)

if TYPE_CHECKING:
    from ._job_store import JobStore

__all__ = ["LocalModelTrainer"]

log = alog.use_channel("LOC-TRNR")
error = error_handler.get(log)


class LocalTrainingFuture(LocalJobFuture, ModelTrainerFutureBase):
    """A training of this process. A model that was saved is not kept in memory.

    The model is saved beside its place and moved there when it is complete, unless the training was cancelled.
    """

    def __init__(
        self,
        future_name: str,
        module_class: type[ModuleBase],
        save_path: str | None,
        save_with_id: bool,
        future_id: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        model_name: str | None = None,
        use_subprocess: bool = False,
        extra_path_args: Sequence[str] | None = None,
        subprocess_start_method: str = "fork",
    ) -> None:
        """`extra_path_args` are more parts of the path, before the model's name."""
        super().__init__(
            future_name=future_name,
            future_id=future_id,
            args=args,
            kwargs=kwargs,
            use_subprocess=use_subprocess,
            subprocess_start_method=subprocess_start_method,
            use_reversible_hash=False,
            save_path=save_path,
            save_with_id=save_with_id,
            model_name=model_name,
            extra_path_args=extra_path_args,
        )
        self._draft = None if self.save_path is None else Draft(self.save_path)
        self._module_class = module_class
        self._model: Callable[[], ModuleBase | None] | None = None

    def run(self, *args: Any, **kwargs: Any) -> ModuleBase:
        if self.save_path is not None:
            require_trained_save(self._module_class)
        model: ModuleBase = self._module_class.train(*args, **kwargs)
        if self.save_path is not None:
            self._save_result(model)
        return model

    def load(self) -> ModuleBase:
        """Wait, then return the model, read from its path if it left the memory; the training's error is raised.

        `ThreadDestroyedException` if the training was cancelled in a thread, `ValueError` if there is nothing to load.
        """
        self.wait()
        info = self.get_info()
        if info.status is JobStatus.ERRORED and info.errors:
            raise info.errors[0]
        if info.status is JobStatus.CANCELED and not self._use_subprocess:
            raise ThreadDestroyedException
        model = self._model() if self._model is not None else None
        return model if model is not None else self._load_saved()

    def _load_saved(self) -> ModuleBase:
        from caikit.core import load

        training = f"value check failed: Unable to load model from training {self.id}"
        if self.save_path is None:
            error("<COR83194752E>", ValueError(f"{training} trained in subprocess without a save_path"))
        if not os.path.exists(self.save_path):
            place = "saved in subprocess, path" if self._use_subprocess else "whose path"
            missing = f"{training} {place} does not exist: {self.save_path}"
            error("<COR83194753E>", ValueError(missing))
        return load(self.save_path)

    def _keep_result(self, result: Any) -> None:
        if self._use_subprocess:
            return
        self._model = lambda: result
        if self.save_path is not None:
            with contextlib.suppress(TypeError):  # objects without weak references stay
                self._model = weakref.ref(result)

    @property
    def draft_folder(self) -> str | None:
        return None if self._draft is None else self._draft.folder

    def _save_result(self, result: Any) -> None:
        if self._draft is not None:
            if isinstance(result, ModuleBase):
                require_save(type(result))
            result.save(self._draft.open())

    def _publish_result(self) -> None:
        if self._draft is not None:
            self._draft.publish()

    def _drop_result(self) -> None:
        if self._draft is not None:
            self._draft.discard()
            parent = Path(self._draft.folder).parent
            if parent.name == self.id:
                remove_empty(parent)

    def _delete_result(self) -> None:
        if self.save_path is not None:
            shutil.rmtree(self.save_path, ignore_errors=True)


class LocalModelTrainer(LocalJobBase[LocalTrainingFuture, ModelTrainerFutureBase], ModelTrainerBase):
    """Trainer type LOCAL.

    Config: `use_subprocess` (false), `subprocess_start_method` (spawn), `retention_duration` (for ever),
    `max_concurrent_jobs` (the number of processors, at least 8; more trainings wait), `max_queued_jobs` (1000; how
    many may wait before more are refused), `work_dir` (none; the directory where trainings are recorded, so that
    they are known after a restart), `delete_expired_models` (whether the saved model goes when its training is
    forgotten; true, with a `work_dir` false). A thread is stopped at its next Python instruction only, so work that
    must be cancelable at any time belongs into a subprocess.
    """

    name = "LOCAL"

    _kind = "training"
    _id_name = "training_id"

    LocalModelFuture = LocalTrainingFuture
    LocalModelTrainFuture = LocalTrainingFuture

    def __init__(self, config: aconfig.Config, instance_name: str) -> None:
        super().__init__(config, instance_name)
        self._use_subprocess = bool(config.get("use_subprocess", False))
        self._subprocess_start_method = config.get("subprocess_start_method") or "spawn"
        self._delete_expired_models = bool(config.get("delete_expired_models", self._store is None))

    def train(
        self,
        module_class: type[ModuleBase],
        *args: Any,
        save_path: str | None = None,
        save_with_id: bool = False,
        external_training_id: str | None = None,
        model_name: str | None = None,
        module_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> LocalTrainingFuture:
        """Train in a thread of this process or in a process of its own.

        `external_training_id` is an id of your own, which can be used again when its training has ended. Arguments
        that go to a process must be picklable; models travel as their saved bytes. Raises `JobQueueFullError`,
        `JobStoreError`, or `ValueError` for an id whose training still runs, a start method that does not exist, or
        an output path that is not on this machine.
        """
        error.subclass_check("<COR67392105E>", module_class, ModuleBase)
        self._check_subprocess(save_path)
        job = self.LocalModelFuture(
            self._instance_name,
            module_class,
            save_path=save_path,
            save_with_id=save_with_id,
            future_id=external_training_id or self._new_id(),
            args=args,
            kwargs={**kwargs, **(module_kwargs or {})},
            model_name=model_name,
            use_subprocess=self._use_subprocess,
            subprocess_start_method=self._subprocess_start_method,
        )
        job.set_label(MODULE_LABEL, f"{module_class.__module__}.{module_class.__qualname__}")
        job.set_label(MODEL_NAME_LABEL, model_name or "")
        return self._start(job)

    def get_model_future(self, training_id: str) -> ModelTrainerFutureBase:
        return self._find(training_id)

    def _recorded(self, store: JobStore, record: JobRecord) -> ModelTrainerFutureBase:
        return RecordedTraining(store, record)

    def _start_methods(self) -> list[Callable[..., Any]]:
        return [self.train, LocalModelTrainer.train]

    def _deletes_expired_output(self) -> bool:
        return self._delete_expired_models

    def _delete_recorded_output(self, record: JobRecord) -> None:
        if record.save_path is not None:
            shutil.rmtree(record.save_path, ignore_errors=True)

    def _check_subprocess(self, save_path: str | None) -> None:
        if not self._use_subprocess:
            return
        import multiprocessing  # takes memory that trainings in threads need not spend

        supported = multiprocessing.get_all_start_methods()
        if self._subprocess_start_method not in supported:
            error(
                "<COR16699812E>",
                ValueError(
                    f"value check failed: Unsupported start_method on {sys.platform}: "
                    f"{self._subprocess_start_method}. Supported options are {supported}"
                ),
            )
        if save_path is None:
            log.warning(
                "<COR28853922W>",
                "A model that is trained in a subprocess without a save_path cannot be loaded",
            )
