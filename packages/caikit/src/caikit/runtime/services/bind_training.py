"""The work behind the RPCs that start, show and cancel trainings."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from caikit.core import MODEL_MANAGER
from caikit.core.data_model._schema import MessageType, schema_of
from caikit.core.exceptions.caikit_core_exception import CaikitCoreException
from caikit.interfaces.runtime.data_model import TrainingJob, TrainingStatusResponse
from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.status import Status
from caikit.runtime.models.names import require_plain_name
from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

from .bind_arguments import ArgumentReader, Leases
from .bind_inference import Work
from .bind_job_state import JobKind

if TYPE_CHECKING:
    from caikit.core import ModuleBase
    from caikit.core.data_model import DataObjectBase
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
        self._message = _parameters_message(spec)
        self._reader = ArgumentReader(self._message)
        self._defaults = frozenset(self._module.TRAIN_SIGNATURE.default_parameters)

    def __call__(self, context: RequestContext, given: Mapping[str, Any]) -> TrainingJob:
        model_name: str = given.get("model_name") or ""
        if model_name:
            require_plain_name("model_name", model_name)
        leases = Leases(self._store, context)
        try:
            keywords = self._reader.read(self._given(given.get("parameters")), leases)
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
                save_with_id=self._save_with_id,
                model_name=model_name or None,
                external_training_id=str(uuid.uuid4()),
                module_kwargs=keywords,
            )
        except (CaikitCoreException, CaikitRuntimeException, RequestError):
            raise
        except (TypeError, ValueError) as error:
            raise RequestError(
                Status.INVALID_ARGUMENT,
                f"Exception raised during training. This may be a problem with your input: {error}",
            ) from error
        except Exception as error:
            raise RequestError(Status.INTERNAL, "Unhandled exception during training") from error

    def _given(self, parameters: DataObjectBase | None) -> dict[str, Any]:
        if parameters is None:
            return {}
        values = {field.name: getattr(parameters, field.name) for field in schema_of(self._message).fields}
        return {name: value for name, value in values.items() if self._is_given(name, value)}

    def _is_given(self, name: str, value: Any) -> bool:
        """A list that was not sent looks like an empty one."""
        if value is None:
            return False
        return not (name in self._defaults and isinstance(value, list | dict) and not value)


def _parameters_message(spec: RpcSpec) -> type[DataObjectBase]:
    for field in schema_of(spec.request).fields:
        if field.name == "parameters" and isinstance(field.type, MessageType):
            return field.type.cls
    raise TypeError(f"{spec.request.__name__} has no message field 'parameters'")


def training_management_work() -> dict[str, Work]:
    """The functions that serve the RPCs of TrainingManagement."""
    kind = JobKind(
        noun="training",
        id_field="training_id",
        unknown="training_id",
        response=TrainingStatusResponse,
        lookup=MODEL_MANAGER.get_model_future,
    )
    return {
        "GetTrainingStatus": partial(_with_training_id, kind.status),
        "CancelTraining": partial(_with_training_id, kind.cancel),
    }


def _with_training_id(function: Any, context: RequestContext, given: Mapping[str, Any]) -> Any:
    return function(given.get("training_id") or "")
