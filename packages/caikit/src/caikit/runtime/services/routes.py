"""Where an RPC is served over HTTP."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from caikit.runtime.engine.operation import HttpRoute, Layout
from caikit.runtime.names import (
    EXTRA_OPENAPI_KEY,
    MODEL_MANAGEMENT_ENDPOINT,
    MODELS_INFO_ENDPOINT,
    RUNTIME_INFO_ENDPOINT,
    TRAINING_MANAGEMENT_ENDPOINT,
    ServiceType,
    get_http_prediction_job_result_route_name,
    get_http_prediction_job_route_name,
    get_http_route_name,
)

from .jobs import JobAction, job_action

if TYPE_CHECKING:
    from caikit.core.task import TaskBase

    from ._spec import RpcSpec

__all__ = ["http_route"]

_FIXED = {
    "GetTrainingStatus": HttpRoute(
        method="GET",
        path=TRAINING_MANAGEMENT_ENDPOINT,
        layout=Layout.QUERY,
        required=("training_id",),
        summary="Show a training",
    ),
    "CancelTraining": HttpRoute(
        method="DELETE",
        path=TRAINING_MANAGEMENT_ENDPOINT,
        layout=Layout.QUERY,
        required=("training_id",),
        summary="Cancel a training",
    ),
    "DeployModel": HttpRoute(
        method="POST", path=MODEL_MANAGEMENT_ENDPOINT, layout=Layout.REQUEST, summary="Deploy a model"
    ),
    "UndeployModel": HttpRoute(
        method="DELETE",
        path=MODEL_MANAGEMENT_ENDPOINT,
        layout=Layout.QUERY,
        required=("model_id",),
        summary="Remove a deployed model",
    ),
    "GetRuntimeInfo": HttpRoute(
        method="GET", path=RUNTIME_INFO_ENDPOINT, layout=Layout.QUERY, summary="Show versions", compact=True
    ),
    "GetModelsInfo": HttpRoute(
        method="GET", path=MODELS_INFO_ENDPOINT, layout=Layout.QUERY, summary="Show models", compact=True
    ),
}

_JOB_METHODS = {
    JobAction.STATUS: ("GET", "Show a prediction job"),
    JobAction.CANCEL: ("DELETE", "Cancel a prediction job"),
    JobAction.RESULT: ("GET", "Fetch the result of a prediction job"),
}


def http_route(spec: RpcSpec, prefix: str) -> HttpRoute | None:
    """The route of an RPC below a prefix such as `api/v1`."""
    if spec.shape.input_streaming and spec.service_type is not ServiceType.INFERENCE:
        return None
    match spec.service_type:
        case ServiceType.INFERENCE:
            return _task_route(spec, get_http_route_name(spec.name, prefix), f"Call {spec.name}")
        case ServiceType.TRAINING:
            return HttpRoute(
                method="POST",
                path=get_http_route_name(spec.name, prefix),
                layout=Layout.REQUEST,
                summary=f"Train {spec.modules[0].__name__}",
                description=_doc(spec.modules[0]),
            )
        case ServiceType.JOB_INFERENCE:
            return _job_route(spec, prefix)
        case _:
            return _FIXED[spec.name]


def _job_route(spec: RpcSpec, prefix: str) -> HttpRoute:
    action = job_action(spec)
    if action is JobAction.START:
        path = get_http_prediction_job_route_name(spec.name, prefix)
        return _task_route(spec, path, "Start a prediction job")
    name = (
        get_http_prediction_job_result_route_name
        if action is JobAction.RESULT
        else get_http_prediction_job_route_name
    )
    method, summary = _JOB_METHODS[action]
    return HttpRoute(
        method=method,
        path=name(spec.name, prefix),
        layout=Layout.QUERY,
        required=("prediction_id",),
        visible=_task(spec).get_visibility(),
        summary=summary,
    )


def _task_route(spec: RpcSpec, path: str, summary: str) -> HttpRoute:
    task = _task(spec)
    extra: dict[str, Any] = dict(task.get_metadata().get(EXTRA_OPENAPI_KEY) or {})
    return HttpRoute(
        method="POST",
        path=path,
        layout=Layout.INFERENCE,
        required=tuple(task.get_required_parameters(input_streaming=spec.shape.input_streaming)),
        visible=task.get_visibility(),
        summary=summary,
        description=_doc(task),
        extra_openapi=extra,
    )


def _task(spec: RpcSpec) -> type[TaskBase]:
    if spec.task is None:
        raise ValueError(f"{spec.grpc_path} belongs to no task")
    return spec.task


def _doc(documented: type[Any]) -> str:
    return inspect.cleandoc(documented.__doc__ or "")
