"""Prediction jobs: per task with a unary method, RPCs that start, show, cancel and fetch."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any

from caikit.core.data_model import DataObjectBase
from caikit.interfaces.runtime.data_model import (
    PredictionJob,
    PredictionJobInfoRequest,
    PredictionJobStatusResponse,
)
from caikit.runtime.engine.operation import Kind, Shape
from caikit.runtime.names import (
    ServiceType,
    get_service_name,
    get_service_package_name,
    get_task_predict_job_cancel_rpc_name,
    get_task_predict_job_result_rpc_name,
    get_task_predict_job_rpc_name,
    get_task_predict_job_status_rpc_name,
)

from ._parameters import Parameter
from ._requests import message_class
from ._spec import RpcSpec
from .inference import inference_rpcs

if TYPE_CHECKING:
    from caikit.core.task import TaskBase

__all__ = ["JobAction", "job_action", "job_rpcs"]


class JobAction(Enum):
    """What an RPC of the job service does; the value is the end of its name."""

    START = "StartPredictionJob"
    STATUS = "GetPredictionJobStatus"
    CANCEL = "CancelPredictionJob"
    RESULT = "GetPredictionJobResult"


_NAMES: dict[JobAction, Callable[[type[TaskBase]], str]] = {
    JobAction.START: get_task_predict_job_rpc_name,
    JobAction.STATUS: get_task_predict_job_status_rpc_name,
    JobAction.CANCEL: get_task_predict_job_cancel_rpc_name,
    JobAction.RESULT: get_task_predict_job_result_rpc_name,
}


def job_rpcs(config: Any) -> list[RpcSpec]:
    """The RPCs of all prediction jobs, sorted by name."""
    package = get_service_package_name(ServiceType.JOB_INFERENCE)
    specs: list[RpcSpec] = []
    for predict in inference_rpcs(config):
        if predict.shape is Shape.UNARY and predict.task is not None:
            _make_helper_messages(package, predict.task)
            specs.extend(_rpc(action, predict, predict.task, package) for action in JobAction)
    return sorted(specs, key=lambda spec: spec.name)


def job_action(spec: RpcSpec) -> JobAction:
    """What an RPC of the job service does."""
    return next(action for action in JobAction if spec.name.endswith(action.value))


def _rpc(action: JobAction, predict: RpcSpec, task: type[TaskBase], package: str) -> RpcSpec:
    request: type[DataObjectBase] = PredictionJobInfoRequest
    response: type[DataObjectBase] = PredictionJobStatusResponse
    if action is JobAction.START:
        request, response = predict.request, PredictionJob
    elif action is JobAction.RESULT:
        response = predict.response
    return RpcSpec(
        name=_NAMES[action](task),
        service=f"{package}.{get_service_name(ServiceType.JOB_INFERENCE)}",
        service_type=ServiceType.JOB_INFERENCE,
        shape=Shape.UNARY,
        request=request,
        response=response,
        kind=Kind.JOB,
        task=task,
        modules=predict.modules,
        left_out=predict.left_out,
    )


def _make_helper_messages(package: str, task: type[TaskBase]) -> None:
    """Messages that no RPC uses, but that published interface files contain."""
    for action in (JobAction.STATUS, JobAction.CANCEL, JobAction.RESULT):
        message_class(package, _NAMES[action](task), {"prediction_id": Parameter(str)})
