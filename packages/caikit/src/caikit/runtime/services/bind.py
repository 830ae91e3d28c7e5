"""Everything that a runtime serves, as operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import alog

import caikit
from caikit.core import MODEL_MANAGER
from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.operation import Operation, Shape
from caikit.runtime.engine.status import Status
from caikit.runtime.names import ServiceType
from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

from ._errors import runtime_error
from .bind_inference import Backends, ModelCalls, Work, inference_work, loop_test
from .bind_jobs import PredictionJobs
from .bind_management import info_work, model_management_work
from .bind_training import TrainingStart, training_management_work
from .bind_training_jobs import training_jobs_operations
from .fixed import fixed_rpcs
from .inference import inference_rpcs
from .jobs import job_rpcs
from .modules_file import check_compatibility
from .routes import http_route
from .training import training_rpcs

if TYPE_CHECKING:
    from caikit.core import TaskBase
    from caikit.runtime.models import ModelStore

    from ._spec import RpcSpec

__all__ = ["bind_operations"]

log = alog.use_channel("BIND")


def bind_operations(*, store: ModelStore, config: Any = None) -> list[Operation]:
    """All operations of the services that the configuration enables."""
    config = caikit.get_config() if config is None else config
    switches = config.runtime.service_generation
    inference, training, jobs = (
        switches.get(key) is not False
        for key in ("enable_inference", "enable_training", "enable_inference_jobs")
    )
    if jobs and not inference:
        raise runtime_error(Status.INVALID_ARGUMENT, "Inference Jobs require enabling the Inference service")
    if inference:
        check_compatibility()
    MODEL_MANAGER.initialize_components()
    binder = _Binder(store, config)
    operations = binder.info()
    if inference:
        operations += binder.inference() + binder.model_management()
    if jobs:
        operations += binder.jobs()
    if training:
        operations += binder.training()
    return operations


class _Binder:
    def __init__(self, store: ModelStore, config: Any) -> None:
        self._store = store
        self._config = config
        self._prefix = config.runtime.http.route_prefix or ""
        self._backends = Backends()

    @cached_property
    def _inference_specs(self) -> list[RpcSpec]:
        return inference_rpcs(self._config)

    @cached_property
    def _served_tasks(self) -> frozenset[type[TaskBase]]:
        return frozenset(task for _, task in _with_tasks(self._inference_specs))

    def inference(self) -> list[Operation]:
        operations = []
        for spec, task in _with_tasks(self._inference_specs):
            calls = self._calls(spec, task)
            work = inference_work(calls, spec, task)
            operations.append(self._operation(spec, work, runs_in_loop=loop_test(calls, spec)))
        return operations

    def jobs(self) -> list[Operation]:
        jobs = PredictionJobs()
        return [
            self._operation(spec, jobs.work(spec, task, self._calls))
            for spec, task in _with_tasks(job_rpcs(self._config))
        ]

    def training(self) -> list[Operation]:
        try:
            specs = training_rpcs(self._config)
        except (CaikitRuntimeException, RequestError) as error:
            log.warning("<RUN56019263W>", "Training is off: %s", error)
            return []
        starts = [self._operation(spec, TrainingStart(spec, self._store, self._config)) for spec in specs]
        management = self._fixed(ServiceType.TRAINING_MANAGEMENT, training_management_work())
        return starts + management + training_jobs_operations()

    def model_management(self) -> list[Operation]:
        return self._fixed(ServiceType.MODEL_MANAGEMENT, model_management_work(self._store))

    def info(self) -> list[Operation]:
        return self._fixed(ServiceType.INFO, info_work(self._store, self._config))

    def _calls(self, spec: RpcSpec, task: type[TaskBase]) -> ModelCalls:
        return ModelCalls(
            spec, task, store=self._store, backends=self._backends, served_tasks=self._served_tasks
        )

    def _fixed(self, service_type: ServiceType, works: Mapping[str, Work]) -> list[Operation]:
        return [self._operation(spec, works[spec.name]) for spec in fixed_rpcs(service_type)]

    def _operation(
        self, spec: RpcSpec, work: Work, *, runs_in_loop: Callable[[str | None], bool] | None = None
    ) -> Operation:
        return Operation(
            name=spec.name,
            service=spec.service,
            shape=spec.shape,
            request=spec.request,
            response=spec.response,
            work=work,
            kind=spec.kind,
            http=http_route(spec, self._prefix),
            acknowledge=spec.shape is Shape.BIDI,
            runs_in_loop=runs_in_loop,
        )


def _with_tasks(specs: list[RpcSpec]) -> list[tuple[RpcSpec, type[TaskBase]]]:
    return [(spec, spec.task) for spec in specs if spec.task is not None]
