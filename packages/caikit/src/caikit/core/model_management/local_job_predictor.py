"""Makes predictions as jobs in threads of this process."""

from __future__ import annotations

import inspect
import os
import shutil
import tempfile
import uuid
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aconfig
import alog

from ..data_model.base import DataBase
from ..exceptions import error_handler
from ..exceptions.caikit_core_exception import CaikitCoreException, CaikitCoreStatusCode
from ._draft import remove_empty
from ._job_record import RESULT_FOLDER, JobRecord
from ._paths import checked_part
from ._recorded_jobs import RecordedPrediction
from .job_predictor_base import JobPredictorBase, JobPredictorFutureBase
from .local_job_base import LocalJobBase, LocalJobFuture

if TYPE_CHECKING:
    from ._job_store import JobStore

__all__ = ["RESULT_FILE_NAME", "LocalJobPredictor"]

log = alog.use_channel("LOC-PRED")
error = error_handler.get(log)

RESULT_FILE_NAME = "result.bin"


class LocalJobPredictionFuture(LocalJobFuture, JobPredictorFutureBase):
    """A prediction of this process; its result is a file."""

    def __init__(
        self,
        future_name: str,
        future_id: str,
        model_instance: Any,
        prediction_func_name: str,
        result_dir: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        save_with_id: bool = True,
        use_reversible_hash: bool = True,
    ) -> None:
        super().__init__(
            future_name=future_name,
            future_id=future_id,
            args=args,
            kwargs=kwargs,
            use_reversible_hash=use_reversible_hash,
        )
        directory = os.path.join(result_dir, checked_part("id", self.id)) if save_with_id else result_dir
        self._save_path = os.path.join(directory, RESULT_FILE_NAME)
        self._has_own_directory = save_with_id
        self._model: Any = model_instance
        self._prediction_func_name = prediction_func_name
        self._result_class: type[DataBase] | None = None

    @property
    def save_path(self) -> str:
        """The file of the result."""
        return self._save_path

    def run(self, *args: Any, **kwargs: Any) -> Any:
        result = getattr(self._model, self._prediction_func_name)(*args, **kwargs)
        if inspect.iscoroutine(result):
            import asyncio  # programs without coroutines need none of it

            result = asyncio.run(result)
        self._save_result(result)
        return result

    def result(self) -> Any:
        """Wait, then return the data object; CaikitCoreException NOT_FOUND if the job failed or its file is gone."""
        self.wait()
        try:
            data = Path(self.save_path).read_bytes()
        except FileNotFoundError:
            data = None
        if data is None or self._result_class is None:
            message = f"Prediction result for {self.id} is not found"
            error("<COR40728394E>", CaikitCoreException(CaikitCoreStatusCode.NOT_FOUND, message))
        return self._result_class.from_binary_buffer(data)

    def _keep_result(self, result: Any) -> None:
        self._result_class = type(result)

    def _result_class_name(self) -> str | None:
        found = self._result_class
        return None if found is None else f"{found.__module__}:{found.__qualname__}"

    def _drop_result(self) -> None:
        self._delete_result()

    def _save_result(self, result: Any) -> None:
        data = result.to_binary_buffer()
        path = Path(self.save_path)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
        temporary.write_bytes(data)
        temporary.replace(path)

    def _delete_result(self) -> None:
        if self._has_own_directory:
            shutil.rmtree(os.path.dirname(self.save_path), ignore_errors=True)
        else:
            Path(self.save_path).unlink(missing_ok=True)

    def _release(self) -> None:
        self._model = None
        super()._release()


class LocalJobPredictor(LocalJobBase[LocalJobPredictionFuture, JobPredictorFutureBase], JobPredictorBase):
    """Job predictor type LOCAL.

    Config: `retention_duration` (for ever), `result_dir` (in `work_dir`, or else a temporary directory),
    `max_concurrent_jobs` (the number of processors, at least 8; more jobs wait), `max_queued_jobs` (1000; how many
    may wait before more are refused), `work_dir` (none; the directory where jobs are recorded, so that they and
    their results are known after a restart).
    """

    name = "LOCAL"

    _kind = "prediction"
    _id_name = "background_id"

    LocalPredictionFuture = LocalJobPredictionFuture

    def __init__(self, config: aconfig.Config, instance_name: str) -> None:
        super().__init__(config, instance_name)
        self._result_dir: str | None = config.get("result_dir")
        error.type_check("<COR91840275E>", str, allow_none=True, result_dir=self._result_dir)

    def predict(
        self,
        model_instance: Any,
        prediction_func_name: str,
        *args: Any,
        save_with_id: bool = True,
        external_prediction_id: str | None = None,
        external_inference_id: str | None = None,
        module_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> LocalJobPredictionFuture:
        """Call a method of any object in a thread of this process.

        `external_prediction_id` and `external_inference_id` are the same: an id of your own, which can be used again
        when its job has ended. The result is a file in a directory named like the id, or without `save_with_id` in
        the directory of all results.
        """
        external_id = external_prediction_id or external_inference_id
        job = self.LocalPredictionFuture(
            self._instance_name,
            external_id or self._new_id(),
            model_instance,
            prediction_func_name,
            self._results(),
            args,
            {**kwargs, **(module_kwargs or {})},
            save_with_id=save_with_id,
            use_reversible_hash=external_id is None,
        )
        return self._start(job)

    def _start_methods(self) -> list[Callable[..., Any]]:
        return [self.predict, LocalJobPredictor.predict]

    def _results(self) -> str:
        with self._jobs_lock:
            if self._result_dir is None and self._store is not None:
                self._result_dir = os.path.join(self._store.directory, RESULT_FOLDER)
            if self._result_dir is None:
                self._result_dir = tempfile.mkdtemp(prefix="caikit-predictions-")
                weakref.finalize(self, shutil.rmtree, self._result_dir, ignore_errors=True)
            return self._result_dir

    def get_prediction_future(self, prediction_id: str) -> JobPredictorFutureBase:
        return self._find(prediction_id)

    def _recorded(self, store: JobStore, record: JobRecord) -> JobPredictorFutureBase:
        return RecordedPrediction(store, record)

    def _delete_recorded_output(self, record: JobRecord) -> None:
        if record.save_path is not None:
            Path(record.save_path).unlink(missing_ok=True)
            remove_empty(os.path.dirname(record.save_path))
