"""The list of trainings and their logs: a service of its own beside the management of trainings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from caikit.core import MODEL_MANAGER
from caikit.core.model_management.job_base import JobFutureBase, JobStoreError
from caikit.core.model_management.model_trainer_base import MODEL_NAME_LABEL, MODULE_LABEL
from caikit.interfaces.runtime.data_model.training_jobs import (
    TrainingDetails,
    TrainingList,
    TrainingListRequest,
    TrainingLog,
    TrainingLogRequest,
)
from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.operation import HttpRoute, Kind, Layout, Operation, Shape
from caikit.runtime.engine.status import Status
from caikit.runtime.names import TRAINING_JOBS_SERVICE, TRAINING_MANAGEMENT_ENDPOINT, ServiceType

from ._descriptors import service_descriptor
from ._log_parts import offset_of_last_lines, read_part
from ._spec import RpcSpec
from .bind_job_state import in_utc, job_not_taken, reasons_of
from .bind_training import training_kind

if TYPE_CHECKING:
    from caikit.runtime.engine.context import RequestContext

_DEFAULT_LIMIT = 100


def training_jobs_operations() -> list[Operation]:
    """The RPCs that show trainings."""
    rows: list[tuple[str, Any, Any, Any, HttpRoute]] = [
        (
            "ListTrainings",
            TrainingListRequest,
            TrainingList,
            list_trainings,
            _route("list", "Show trainings, the newest first"),
        ),
        (
            "GetTrainingLog",
            TrainingLogRequest,
            TrainingLog,
            training_log,
            _route("log", "Show the log of a training", "training_id"),
        ),
    ]
    operations = [
        Operation(
            name=name,
            service=TRAINING_JOBS_SERVICE,
            shape=Shape.UNARY,
            request=request,
            response=response,
            work=work,
            kind=Kind.MANAGEMENT,
            http=route,
        )
        for name, request, response, work, route in rows
    ]
    _describe(operations)
    return operations


def list_trainings(context: RequestContext, given: Mapping[str, Any]) -> TrainingList:
    wanted_id, model_name = given.get("training_id"), given.get("model_name")
    limit = _not_negative("limit", given.get("limit"), _DEFAULT_LIMIT)
    if wanted_id:
        futures = [training_kind().find(wanted_id)]
    else:
        try:
            futures = list(MODEL_MANAGER.get_model_futures())
        except JobStoreError as problem:
            raise job_not_taken(problem) from problem
    found = [
        future for future in futures if not model_name or future.labels.get(MODEL_NAME_LABEL) == model_name
    ]
    return TrainingList(trainings=[_details(future) for future in found[:limit]])


def training_log(context: RequestContext, given: Mapping[str, Any]) -> TrainingLog:
    training_id = given.get("training_id") or ""
    future = training_kind().find(training_id)
    path = future.log_path
    if path is None:
        raise RequestError(
            Status.FAILED_PRECONDITION,
            f"Training {training_id} has no log: its trainer needs a work_dir (model_management.trainers)",
        )
    # Before the log is read: afterwards nothing is written any more.
    state = future.get_info().status
    offset = _not_negative("offset", given.get("offset"), 0)
    last_lines = given.get("last_lines")
    try:
        if last_lines is not None:
            offset = offset_of_last_lines(path, _not_negative("last_lines", last_lines, 0))
        part = read_part(path, offset, ended=state.is_terminal)
    except OSError as problem:
        raise RequestError(
            Status.NOT_FOUND, f"The log of training {training_id} is not there any more"
        ) from problem
    return TrainingLog(training_id, part.text, part.next_offset, state)


def _details(future: JobFutureBase) -> TrainingDetails:
    info, labels = future.get_info(), future.labels
    return TrainingDetails(
        training_id=future.id,
        model_name=labels.get(MODEL_NAME_LABEL, ""),
        module=labels.get(MODULE_LABEL, ""),
        state=info.status,
        submission_timestamp=in_utc(info.submission_time),
        completion_timestamp=in_utc(info.completion_time),
        reasons=reasons_of(info),
        progress=info.progress,
        progress_text=info.progress_text,
        metrics=dict(info.metrics),
    )


def _not_negative(name: str, value: int | None, default: int) -> int:
    if value is not None and value < 0:
        raise RequestError(Status.INVALID_ARGUMENT, f"expected {name} from 0 on, got {value}")
    return default if value is None else value


def _route(name: str, summary: str, *required: str) -> HttpRoute:
    return HttpRoute(
        method="GET",
        path=f"{TRAINING_MANAGEMENT_ENDPOINT}/{name}",
        layout=Layout.QUERY,
        required=required,
        summary=summary,
    )


def _describe(operations: list[Operation]) -> None:
    """Make the service known to reflection."""
    specs = [
        RpcSpec(
            name=operation.name,
            service=operation.service,
            service_type=ServiceType.TRAINING_MANAGEMENT,
            shape=operation.shape,
            request=operation.request,
            response=operation.response,
            kind=operation.kind,
        )
        for operation in operations
    ]
    service_descriptor(TRAINING_JOBS_SERVICE, specs)
