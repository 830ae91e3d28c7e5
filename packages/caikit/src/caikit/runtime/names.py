"""Names of packages, services, RPCs, messages and routes, and the keys that clients and servers share."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Any

from caikit._lazy import lazy_attributes
from caikit.config import get_config
from caikit.core.toolkit.name_tools import camel_to_snake_case, snake_to_upper_camel

from .utils.library_names import clean_lib_names

if TYPE_CHECKING:
    from caikit.core.modules import ModuleBase
    from caikit.core.task import TaskBase

__all__ = [
    "ACK_HEADER_STRING",
    "CAIKIT_STATUS_CODE_TO_GRPC",
    "EXTRA_OPENAPI_KEY",
    "HEALTH_ENDPOINT",
    "HTTP_TO_STATUS_CODE",
    "INFO_ENDPOINT",
    "LOCAL_MODEL_TYPE",
    "MANAGEMENT_ENDPOINT",
    "MODELS_INFO_ENDPOINT",
    "MODEL_ID",
    "MODEL_MANAGEMENT_ENDPOINT",
    "MODEL_MESH_MODEL_ID_KEY",
    "OPTIONAL_INPUTS_KEY",
    "REQUIRED_INPUTS_KEY",
    "RUNTIME_INFO_ENDPOINT",
    "STATUS_CODE_TO_HTTP",
    "TRAINING_MANAGEMENT_ENDPOINT",
    "ServiceType",
    "StreamEventTypes",
    "get_ai_domain",
    "get_grpc_route_name",
    "get_http_prediction_job_result_route_name",
    "get_http_prediction_job_route_name",
    "get_http_route_name",
    "get_service_name",
    "get_service_package_name",
    "get_task_predict_job_cancel_rpc_name",
    "get_task_predict_job_result_rpc_name",
    "get_task_predict_job_rpc_name",
    "get_task_predict_job_status_rpc_name",
    "get_task_predict_request_name",
    "get_task_predict_rpc_name",
    "get_train_parameter_name",
    "get_train_request_name",
    "get_train_rpc_name",
]

MODEL_MESH_MODEL_ID_KEY = "mm-model-id"
LOCAL_MODEL_TYPE = "standalone-model"
ACK_HEADER_STRING = "acknowledgement"

REQUIRED_INPUTS_KEY = "inputs"
OPTIONAL_INPUTS_KEY = "parameters"
MODEL_ID = "model_id"
EXTRA_OPENAPI_KEY = "extra_openapi"

HEALTH_ENDPOINT = "/health"
INFO_ENDPOINT = "/info"
RUNTIME_INFO_ENDPOINT = f"{INFO_ENDPOINT}/version"
MODELS_INFO_ENDPOINT = f"{INFO_ENDPOINT}/models"
MANAGEMENT_ENDPOINT = "/management"
MODEL_MANAGEMENT_ENDPOINT = f"{MANAGEMENT_ENDPOINT}/models"
TRAINING_MANAGEMENT_ENDPOINT = f"{MANAGEMENT_ENDPOINT}/trainings"

TRAINING_JOBS_SERVICE = "caikit.runtime.training.TrainingJobs"


class ServiceType(Enum):
    """The services of a runtime."""

    INFERENCE = 1
    TRAINING = 2
    TRAINING_MANAGEMENT = 3
    INFO = 4
    MODEL_MANAGEMENT = 5
    JOB_INFERENCE = 6


class StreamEventTypes(Enum):
    """Event names of server-sent events."""

    MESSAGE = "message"
    ERROR = "error"


_FIXED_SERVICES = {
    ServiceType.TRAINING_MANAGEMENT: ("caikit.runtime.training", "TrainingManagement"),
    ServiceType.INFO: ("caikit.runtime.info", "InfoService"),
    ServiceType.MODEL_MANAGEMENT: ("caikit.runtime.models", "ModelManagement"),
}
_DOMAIN_SERVICES = {
    ServiceType.INFERENCE: "Service",
    ServiceType.TRAINING: "TrainingService",
    ServiceType.JOB_INFERENCE: "JobService",
}


# Packages and services #######################################################


def get_ai_domain() -> str:
    """The domain: configured, or made from the (first) library name."""
    runtime = get_config().runtime
    configured = runtime.service_generation.domain
    if configured:
        return str(configured)
    names = clean_lib_names(runtime.library)
    return snake_to_upper_camel(names[0].replace("caikit_", "")) if names else ""


def get_service_package_name(service_type: ServiceType | None = None) -> str:
    """The protobuf package of a service; without a type, that of the generated services."""
    if service_type in _FIXED_SERVICES:
        return _FIXED_SERVICES[service_type][0]
    configured = get_config().runtime.service_generation.package
    return str(configured) if configured else f"caikit.runtime.{get_ai_domain()}"


def get_service_name(service_type: ServiceType) -> str:
    """The short name of a service."""
    if service_type in _FIXED_SERVICES:
        return _FIXED_SERVICES[service_type][1]
    return f"{get_ai_domain()}{_DOMAIN_SERVICES[service_type]}"


# RPCs and messages ###########################################################


def get_task_predict_rpc_name(
    task_or_module_class: type[TaskBase] | type[ModuleBase],
    input_streaming: bool = False,
    output_streaming: bool = False,
) -> str:
    """`GreetTaskPredict`, `ServerStreamingGreetTaskPredict`, ..."""
    return _camel(f"{_flavoured(task_or_module_class, input_streaming, output_streaming)}Predict")


def get_task_predict_request_name(
    task_or_module_class: type[TaskBase] | type[ModuleBase],
    input_streaming: bool = False,
    output_streaming: bool = False,
) -> str:
    """`GreetTaskRequest`, `ServerStreamingGreetTaskRequest`, ..."""
    return _camel(f"{_flavoured(task_or_module_class, input_streaming, output_streaming)}Request")


def get_task_predict_job_rpc_name(
    task_or_module_class: type[TaskBase] | type[ModuleBase],
    input_streaming: bool = False,
    output_streaming: bool = False,
) -> str:
    """`GreetTaskStartPredictionJob`."""
    return _camel(f"{_flavoured(task_or_module_class, input_streaming, output_streaming)}StartPredictionJob")


def get_task_predict_job_status_rpc_name(
    task_or_module_class: type[TaskBase] | type[ModuleBase],
    input_streaming: bool = False,
    output_streaming: bool = False,
) -> str:
    """`GreetTaskGetPredictionJobStatus`."""
    flavoured = _flavoured(task_or_module_class, input_streaming, output_streaming)
    return _camel(f"{flavoured}GetPredictionJobStatus")


def get_task_predict_job_cancel_rpc_name(
    task_or_module_class: type[TaskBase] | type[ModuleBase],
    input_streaming: bool = False,
    output_streaming: bool = False,
) -> str:
    """`GreetTaskCancelPredictionJob`."""
    return _camel(f"{_flavoured(task_or_module_class, input_streaming, output_streaming)}CancelPredictionJob")


def get_task_predict_job_result_rpc_name(
    task_or_module_class: type[TaskBase] | type[ModuleBase],
    input_streaming: bool = False,
    output_streaming: bool = False,
) -> str:
    """`GreetTaskGetPredictionJobResult`."""
    flavoured = _flavoured(task_or_module_class, input_streaming, output_streaming)
    return _camel(f"{flavoured}GetPredictionJobResult")


_TRAIN_RPC_NAME = "TRAIN_RPC_NAME"
_RPC_NAME = re.compile("[A-Za-z][A-Za-z0-9]*Train")


def get_train_rpc_name(module_class: type[ModuleBase]) -> str:
    """`GreetTaskGreeterTrain`: first task, then module; or what the class itself says as `TRAIN_RPC_NAME`."""
    chosen = vars(module_class).get(_TRAIN_RPC_NAME)
    if chosen is None:
        return _camel(f"{_train_stem(module_class)}Train")
    if not isinstance(chosen, str) or not _RPC_NAME.fullmatch(chosen):
        raise ValueError(
            f"{module_class.__qualname__}.{_TRAIN_RPC_NAME}: expected letters and digits that end in Train, got {chosen!r}"
        )
    return chosen


def get_train_request_name(module_class: type[ModuleBase]) -> str:
    """`GreetTaskGreeterTrainRequest`."""
    return f"{get_train_rpc_name(module_class)}Request"


def get_train_parameter_name(module_class: type[ModuleBase]) -> str:
    """`GreetTaskGreeterTrainParameters`."""
    return f"{get_train_rpc_name(module_class)}Parameters"


# Routes ######################################################################


def get_grpc_route_name(service_type: ServiceType, rpc_name: str) -> str:
    """`/<service full name>/<rpc>`."""
    return f"/{get_service_package_name(service_type)}.{get_service_name(service_type)}/{rpc_name}"


def get_http_route_name(rpc_name: str, route_prefix: str | None = None) -> str:
    """The path of an inference or train RPC, under the configured prefix unless one is given."""
    if rpc_name.endswith("Predict"):
        return _with_prefix(f"task/{_kebab(rpc_name, 'Predict')}", route_prefix)
    if rpc_name.endswith("Train"):
        return _with_prefix(rpc_name, route_prefix)
    raise NotImplementedError(f"No HTTP route is known for RPC {rpc_name}")


def get_http_prediction_job_route_name(rpc_name: str, route_prefix: str | None = None) -> str:
    """The path that starts, shows and cancels the prediction jobs of a task."""
    stem = re.sub(r"(Predict|StartPredictionJob|GetPredictionJobStatus|CancelPredictionJob)$", "", rpc_name)
    return _with_prefix(f"task/{_kebab(stem, '')}/job", route_prefix)


def get_http_prediction_job_result_route_name(rpc_name: str, route_prefix: str | None = None) -> str:
    """The path that returns the result of a prediction job."""
    return f"{get_http_prediction_job_route_name(rpc_name.replace('GetPredictionJobResult', ''), route_prefix)}/results"


# Parts of names ##############################################################


def _camel(name: str) -> str:
    return snake_to_upper_camel(name)


def _flavoured(
    task_or_module_class: type[TaskBase] | type[ModuleBase], input_streaming: bool, output_streaming: bool
) -> str:
    flavour = {
        (False, False): "",
        (False, True): "ServerStreaming",
        (True, False): "ClientStreaming",
        (True, True): "BidiStreaming",
    }[input_streaming, output_streaming]
    return f"{flavour}{_camel(_task_of(task_or_module_class).__name__)}"


def _task_of(task_or_module_class: type[TaskBase] | type[ModuleBase]) -> type[Any]:
    from caikit.core.task import TaskBase

    if issubclass(task_or_module_class, TaskBase):
        return task_or_module_class
    tasks = task_or_module_class.tasks
    if not tasks:
        raise ValueError(f"{task_or_module_class.__qualname__} has no task, so none of its RPCs has a name")
    first: type[Any] = tasks[0]
    return first


def _train_stem(module_class: type[ModuleBase]) -> str:
    return f"{_camel(_task_of(module_class).__name__)}{_camel(module_class.__name__)}"


def _kebab(rpc_name: str, suffix: str) -> str:
    return camel_to_snake_case(rpc_name.removesuffix(suffix).removesuffix("Task"), kebab_case=True)


def _with_prefix(path: str, route_prefix: str | None) -> str:
    prefix = get_config().runtime.http.route_prefix if route_prefix is None else route_prefix
    return "/" + "/".join(part for part in (str(prefix or "").strip("/"), path) if part)


# Tables with codes of gRPC, which is loaded when one of them is first asked for.

if TYPE_CHECKING:
    from ._status_tables import CAIKIT_STATUS_CODE_TO_GRPC, HTTP_TO_STATUS_CODE, STATUS_CODE_TO_HTTP

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "caikit.runtime._status_tables": [
            "CAIKIT_STATUS_CODE_TO_GRPC",
            "HTTP_TO_STATUS_CODE",
            "STATUS_CODE_TO_HTTP",
        ]
    },
)
