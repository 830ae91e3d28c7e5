"""Jobs that another process runs or has run, as their records tell."""

from __future__ import annotations

import os
import pkgutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import alog

from ..data_model.job import JobStatus
from ..exceptions import error_handler
from ..exceptions.caikit_core_exception import CaikitCoreException, CaikitCoreStatusCode
from ..modules.base import ModuleBase
from ._job_record import JobRecord
from ._job_recovery import settle
from .job_base import JobFutureBase, JobInfo
from .job_predictor_base import JobPredictorFutureBase
from .model_trainer_base import ModelTrainerFutureBase

if TYPE_CHECKING:
    from ._job_store import JobStore

error = error_handler.get(alog.use_channel("JOBSTORE"))

_LOOK_SECONDS = 0.1
# What the process that runs a job may take to notice that it is to be cancelled.
_CANCEL_SECONDS = 3.0


class RecordedJob(JobFutureBase):
    """A job that is known from its record."""

    def __init__(self, store: JobStore, record: JobRecord, **kwargs: Any) -> None:
        super().__init__(
            future_name=record.key.component, future_id=record.key.id, use_reversible_hash=False, **kwargs
        )
        self._store = store
        self._record = record

    @property
    def log_path(self) -> str | None:
        return self._record.log_path

    @property
    def labels(self) -> Mapping[str, str]:
        return dict(self._look().labels)

    def set_label(self, name: str, value: str) -> None:
        self._store.set_label(self._record.key, name, value)

    def get_info(self) -> JobInfo:
        return self._look().info

    def cancel(self) -> None:
        if self._look().info.status.is_terminal:
            return
        self._store.ask_to_cancel(self._record.key)
        deadline = time.monotonic() + _CANCEL_SECONDS
        while not self._look().info.status.is_terminal and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)

    def wait(self) -> None:
        while not self._look().info.status.is_terminal:
            time.sleep(_LOOK_SECONDS)

    def _look(self) -> JobRecord:
        if not self._record.info.status.is_terminal:
            settle(self._store, self._record)
            self._record = self._store.get(self._record.key) or self._record
        return self._record


class RecordedTraining(RecordedJob, ModelTrainerFutureBase):
    """A training that is known from its record."""

    def __init__(self, store: JobStore, record: JobRecord) -> None:
        super().__init__(store, record, save_path=record.save_path)

    def load(self) -> ModuleBase:
        from caikit.core import load

        self.wait()
        info = self.get_info()
        if info.status is JobStatus.ERRORED and info.errors:
            raise info.errors[0]
        if info.status is not JobStatus.COMPLETED:
            raise RuntimeError(f"Training {self.id} was canceled")
        if self.save_path is None:
            _fail(f"training {self.id} was in the memory of a process that has ended; it had no save_path")
        if not os.path.exists(self.save_path):
            _fail(f"training {self.id} is not at its path any more: {self.save_path}")
        return load(self.save_path)


class RecordedPrediction(RecordedJob, JobPredictorFutureBase):
    """A prediction that is known from its record; its result is a file."""

    @property
    def save_path(self) -> str:
        return self._record.save_path or ""

    def result(self) -> Any:
        self.wait()
        try:
            data = Path(self.save_path).read_bytes()
            result_class = pkgutil.resolve_name(self._record.result_class or "")
        except (OSError, ValueError, ImportError, AttributeError) as problem:
            message = f"Prediction result for {self.id} is not found"
            error("<COR40728395E>", CaikitCoreException(CaikitCoreStatusCode.NOT_FOUND, message), problem)
        return result_class.from_binary_buffer(data)


def _fail(message: str) -> NoReturn:
    error("<COR83194754E>", ValueError(f"value check failed: Unable to load: the model of {message}"))
