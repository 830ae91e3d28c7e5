"""Trains models in this process or in child processes."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import sys
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import aconfig
import alog

from ..data_model.job import JobStatus
from ..exceptions import error_handler
from ..modules.base import ModuleBase
from ..toolkit.concurrency.destroyable_thread import ThreadDestroyedException
from .local_job_base import LocalJobBase, LocalJobFuture
from .model_trainer_base import ModelTrainerBase, ModelTrainerFutureBase

__all__ = ["LocalModelTrainer"]

log = alog.use_channel("LOC-TRNR")
error = error_handler.get(log)


class LocalTrainingFuture(LocalJobFuture, ModelTrainerFutureBase):
    """A training of this process. A model that was saved is not kept in memory."""

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
        subprocess_start_method: str = "fork",
    ) -> None:
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
        )
        self._module_class = module_class
        self._model: Callable[[], ModuleBase | None] | None = None

    def run(self, *args: Any, **kwargs: Any) -> ModuleBase:
        model: ModuleBase = self._module_class.train(*args, **kwargs)
        if self.save_path is not None:
            self._save_result(model)
        return model

    def load(self) -> ModuleBase:
        self.wait()
        info = self.get_info()
        if info.errors:
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

    def _save_result(self, result: Any) -> None:
        result.save(self.save_path)

    def _delete_result(self) -> None:
        if self.save_path is not None:
            shutil.rmtree(self.save_path, ignore_errors=True)


class LocalModelTrainer(LocalJobBase[LocalTrainingFuture], ModelTrainerBase):
    """Trainer type LOCAL.

    Config: `use_subprocess` (false), `subprocess_start_method` (spawn), `retention_duration` (for ever),
    `max_concurrent_jobs` (the number of processors, at least 8; more trainings wait), `delete_expired_models`
    (true; whether the saved model goes when its training is forgotten). A thread is stopped at its next Python
    instruction only, so work that must be cancelable at any time belongs into a subprocess.
    """

    name = "LOCAL"

    LocalModelFuture = LocalTrainingFuture
    LocalModelTrainFuture = LocalTrainingFuture

    def __init__(self, config: aconfig.Config, instance_name: str) -> None:
        super().__init__(config, instance_name)
        self._use_subprocess = bool(config.get("use_subprocess", False))
        self._subprocess_start_method = config.get("subprocess_start_method") or "spawn"
        self._delete_expired_models = bool(config.get("delete_expired_models", True))

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
        return self._start(job, "training")

    def get_model_future(self, training_id: str) -> LocalTrainingFuture:
        return self._find(training_id, "training_id")

    def _start_methods(self) -> list[Callable[..., Any]]:
        return [self.train, LocalModelTrainer.train]

    def _deletes_expired_output(self) -> bool:
        return self._delete_expired_models

    def _check_subprocess(self, save_path: str | None) -> None:
        if not self._use_subprocess:
            return
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
