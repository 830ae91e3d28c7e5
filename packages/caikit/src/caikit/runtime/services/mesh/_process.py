"""Trainings that the caller waits for."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caikit._exception_text import text_of
from caikit.core import MODEL_MANAGER
from caikit.core.data_model import JobStatus
from caikit.core.data_model._codec import decode_json
from caikit.core.exceptions.caikit_core_exception import CaikitCoreException
from caikit.core.model_management.job_base import JobQueueFullError, JobStoreError
from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.status import Status
from caikit.runtime.models.names import require_plain_name
from caikit.runtime.protobufs import process_pb2
from caikit.runtime.services.bind_arguments import Leases
from caikit.runtime.services.bind_job_state import job_not_taken
from caikit.runtime.services.training_arguments import TrainingArguments
from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

from ._process_files import move_sources

if TYPE_CHECKING:
    from caikit.core.model_management import JobFutureBase
    from caikit.core.modules import ModuleBase
    from caikit.runtime.engine.context import RequestContext
    from caikit.runtime.models import ModelStore
    from caikit.runtime.services._spec import RpcSpec

# What the packaged configuration says: the operator has left the choice to the caller.
_UNDECIDED_OUTPUT_DIR = "training_output"
_PAUSES = (0.005, 0.2)


class ProcessRuns:
    """Answers `Run`: trains a module and returns when that has ended."""

    def __init__(self, specs: Iterable[RpcSpec], store: ModelStore, config: Any) -> None:
        self._specs = {spec.modules[0].MODULE_ID: spec for spec in specs}
        self._store = store
        self._output_dir: str | None = config.runtime.training.output_dir or None
        self._save_with_id = bool(config.runtime.training.save_with_id)

    def run(self, context: RequestContext, request: Any) -> Any:
        spec = self._specs.get(request.request_dict.get("train_module", ""))
        if spec is None:
            raise RequestError(
                Status.INVALID_ARGUMENT, "Model Train not able to parse module for this Train Request"
            )
        try:
            future = self._start(spec, request, context)
            _wait(future, context)
        except Exception as error:
            raise _shown(error) from error
        return process_pb2.ProcessResponse(
            trainingID=request.trainingID, customTrainingID=request.customTrainingID
        )

    def _start(self, spec: RpcSpec, request: Any, context: RequestContext) -> JobFutureBase:
        module: type[ModuleBase] = spec.modules[0]
        train: Any = decode_json(spec.request, _read_json(request.request_dict.get("training_params", "")))
        if train.model_name:
            require_plain_name("model_name", train.model_name)
        leases = Leases(self._store, context)
        try:
            move_sources(train.parameters, request.training_input_dir)
            keywords = TrainingArguments(spec).read(train.parameters, leases)
            return MODEL_MANAGER.train(
                module,
                save_path=train.output_path or self._folder(request.training_output_dir),
                # A model without a name would fill the directory in which all models have theirs.
                save_with_id=self._save_with_id or not train.model_name,
                model_name=train.model_name or None,
                external_training_id=request.customTrainingID or request.trainingID or str(uuid.uuid4()),
                module_kwargs=keywords,
            )
        finally:
            leases.release()

    def _folder(self, wanted: str) -> str | None:
        if not wanted or self._output_dir not in (None, _UNDECIDED_OUTPUT_DIR):
            return self._output_dir
        here, there = Path.cwd().resolve(), Path(wanted).resolve()
        if not there.is_relative_to(here):
            raise RequestError(
                Status.INVALID_ARGUMENT,
                f"Invalid training_output_dir {wanted!r}: expected a folder below the working directory of the "
                "server; runtime.training.output_dir takes its place",
            )
        return str(there)


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("training_params is nested too deeply") from None


def _wait(future: JobFutureBase, context: RequestContext) -> None:
    """Return when the training has succeeded, raise what has ended it; a cancelled request cancels it."""
    forget = context.cancel.on_cancel(future.cancel)
    pause, longest = _PAUSES
    try:
        while not (info := future.get_info()).status.is_terminal:
            time.sleep(pause)
            pause = min(2 * pause, longest)
    finally:
        forget()
    context.cancel.raise_if_cancelled()
    if info.status is JobStatus.CANCELED:
        raise RequestError(Status.CANCELLED, f"Training {future.id} was cancelled")
    if info.status is not JobStatus.COMPLETED:
        raise (info.errors or [RuntimeError(f"Training {future.id} ended as {info.status.name}")])[0]


def _shown(error: Exception) -> Exception:
    if isinstance(error, CaikitCoreException | CaikitRuntimeException | RequestError):
        return error
    if isinstance(error, JobQueueFullError | JobStoreError):
        return job_not_taken(error)
    if isinstance(error, TypeError | ValueError):
        return RequestError(
            Status.INVALID_ARGUMENT,
            f"Exception raised during training. This may be a problem with your input: {text_of(error)}",
        )
    if isinstance(error, MemoryError):
        return RequestError(Status.INTERNAL, "OOM error during training")
    return RequestError(Status.INTERNAL, "Unhandled exception during training")
