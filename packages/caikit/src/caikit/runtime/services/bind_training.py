"""The work behind the RPCs that start, show and cancel trainings."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from caikit._exception_text import text_of
from caikit.core import MODEL_MANAGER
from caikit.core.exceptions.caikit_core_exception import CaikitCoreException
from caikit.core.model_management.job_base import JobQueueFullError, JobStoreError
from caikit.interfaces.runtime.data_model import TrainingJob, TrainingStatusResponse
from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.status import Status
from caikit.runtime.models.names import require_plain_name
from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

from .bind_arguments import Leases
from .bind_inference import Work
from .bind_job_state import JobKind, job_not_taken
from .training_arguments import TrainingArguments

if TYPE_CHECKING:
    from caikit.core import ModuleBase
    from caikit.runtime.engine.context import RequestContext
    from caikit.runtime.models import ModelStore

    from ._spec import RpcSpec


class TrainingStart:
    """Starts the training of one module."""

    def __init__(self, spec: RpcSpec, store: ModelStore, config: Any) -> None:
        self._module: type[ModuleBase] = spec.modules[0]
        self._store = store
        self._output_dir = config.runtime.training.output_dir or None
        self._save_with_id = bool(config.runtime.training.save_with_id)
        self._arguments = TrainingArguments(spec)

    def __call__(self, context: RequestContext, given: Mapping[str, Any]) -> TrainingJob:
        model_name: str = given.get("model_name") or ""
        if model_name:
            require_plain_name("model_name", model_name)
        leases = Leases(self._store, context)
        try:
            keywords = self._arguments.read(given.get("parameters"), leases)
            future = self._train(model_name, given.get("output_path"), keywords)
        finally:
            # A job keeps the models that it got, even when they are unloaded before it ends.
            leases.release()
        return TrainingJob(training_id=future.id, model_name=model_name)

    def _train(self, model_name: str, output_path: Any, keywords: dict[str, Any]) -> Any:
        try:
            return MODEL_MANAGER.train(
                self._module,
                save_path=output_path or self._output_dir,
                # A model without a name would fill the directory in which all models have theirs.
                save_with_id=self._save_with_id or not model_name,
                model_name=model_name or None,
                external_training_id=str(uuid.uuid4()),
                module_kwargs=keywords,
            )
        except (CaikitCoreException, CaikitRuntimeException, RequestError):
            raise
        except (JobQueueFullError, JobStoreError) as error:
            raise job_not_taken(error) from error
        except (TypeError, ValueError) as error:
            raise RequestError(
                Status.INVALID_ARGUMENT,
                f"Exception raised during training. This may be a problem with your input: {text_of(error)}",
            ) from error
        except Exception as error:
            raise RequestError(Status.INTERNAL, "Unhandled exception during training") from error


def training_kind() -> JobKind:
    return JobKind(
        noun="training",
        id_field="training_id",
        unknown="training_id",
        response=TrainingStatusResponse,
        lookup=MODEL_MANAGER.get_model_future,
    )


def training_management_work() -> dict[str, Work]:
    """The functions that serve the RPCs of TrainingManagement."""
    kind = training_kind()
    return {
        "GetTrainingStatus": partial(_with_training_id, kind.status),
        "CancelTraining": partial(_with_training_id, kind.cancel),
    }


def _with_training_id(function: Any, context: RequestContext, given: Mapping[str, Any]) -> Any:
    return function(given.get("training_id") or "")
