from __future__ import annotations

import subprocess
import sys

import pytest

from caikit.core import TaskBase
from caikit.runtime import names
from caikit.runtime.names import ServiceType


class GreetTask(TaskBase):
    pass


class under_scoredTask(TaskBase):
    pass


class Greeter:
    tasks = [GreetTask]


@pytest.mark.parametrize(
    ("library", "domain"),
    [
        ("caikit_nlp", "Nlp"),
        ("golden_lib", "GoldenLib"),
        ("my_lib_v2", "MyLibV2"),
        ("__main__", "Main"),
        ("caikit-nlp[extra]>=1.0", "Nlp"),
        ("first_lib second_lib", "FirstLib"),
    ],
)
def test_domain_comes_from_the_library(temp_config, library, domain):
    temp_config({"runtime": {"library": library}})
    assert names.get_ai_domain() == domain
    assert names.get_service_package_name() == f"caikit.runtime.{domain}"


def test_full_names_of_services(temp_config):
    temp_config({"runtime": {"library": "golden_lib"}})

    def full(service_type):
        return f"{names.get_service_package_name(service_type)}.{names.get_service_name(service_type)}"

    assert [full(service_type) for service_type in ServiceType] == [
        "caikit.runtime.GoldenLib.GoldenLibService",
        "caikit.runtime.GoldenLib.GoldenLibTrainingService",
        "caikit.runtime.training.TrainingManagement",
        "caikit.runtime.info.InfoService",
        "caikit.runtime.models.ModelManagement",
        "caikit.runtime.GoldenLib.GoldenLibJobService",
    ]


def test_package_and_domain_can_be_configured(temp_config):
    temp_config({"runtime": {"service_generation": {"package": "my.pkg", "domain": "Dom"}}})
    assert names.get_grpc_route_name(ServiceType.INFERENCE, "XPredict") == "/my.pkg.DomService/XPredict"


@pytest.mark.parametrize(
    ("streaming", "rpc", "request_name"),
    [
        ((False, False), "GreetTaskPredict", "GreetTaskRequest"),
        ((False, True), "ServerStreamingGreetTaskPredict", "ServerStreamingGreetTaskRequest"),
        ((True, False), "ClientStreamingGreetTaskPredict", "ClientStreamingGreetTaskRequest"),
        ((True, True), "BidiStreamingGreetTaskPredict", "BidiStreamingGreetTaskRequest"),
    ],
)
@pytest.mark.parametrize("named", [GreetTask, Greeter])
def test_flavours_have_their_names(named, streaming, rpc, request_name):
    assert names.get_task_predict_rpc_name(named, *streaming) == rpc
    assert names.get_task_predict_request_name(named, *streaming) == request_name


def test_job_and_train_names():
    assert names.get_task_predict_job_rpc_name(GreetTask) == "GreetTaskStartPredictionJob"
    assert names.get_task_predict_job_status_rpc_name(GreetTask) == "GreetTaskGetPredictionJobStatus"
    assert names.get_task_predict_job_cancel_rpc_name(GreetTask) == "GreetTaskCancelPredictionJob"
    assert names.get_task_predict_job_result_rpc_name(GreetTask) == "GreetTaskGetPredictionJobResult"
    assert names.get_train_rpc_name(Greeter) == "GreetTaskGreeterTrain"
    assert names.get_train_request_name(Greeter) == "GreetTaskGreeterTrainRequest"
    assert names.get_train_parameter_name(Greeter) == "GreetTaskGreeterTrainParameters"


def test_underscores_vanish_from_rpc_names():
    assert names.get_task_predict_rpc_name(under_scoredTask) == "UnderScoredTaskPredict"


@pytest.mark.parametrize(
    ("rpc", "route"),
    [
        ("GreetTaskPredict", "/api/v1/task/greet"),
        ("ServerStreamingGreetTaskPredict", "/api/v1/task/server-streaming-greet"),
        ("ABCTaskPredict", "/api/v1/task/a-b-c"),
        ("HuggingFaceSentimentTaskPredict", "/api/v1/task/hugging-face-sentiment"),
        ("GreetTaskGreeterTrain", "/api/v1/GreetTaskGreeterTrain"),
    ],
)
def test_http_routes(rpc, route):
    assert names.get_http_route_name(rpc) == route


def test_http_routes_of_jobs():
    assert names.get_http_prediction_job_route_name("GreetTaskStartPredictionJob") == "/api/v1/task/greet/job"
    assert (
        names.get_http_prediction_job_result_route_name("GreetTaskGetPredictionJobResult")
        == "/api/v1/task/greet/job/results"
    )


@pytest.mark.parametrize(("prefix", "route"), [("", "/task/greet"), ("/x/", "/x/task/greet")])
def test_route_prefix_is_configured(temp_config, prefix, route):
    temp_config({"runtime": {"http": {"route_prefix": prefix}}})
    assert names.get_http_route_name("GreetTaskPredict") == route


def test_other_rpcs_have_no_route():
    with pytest.raises(NotImplementedError, match="GetTrainingStatus"):
        names.get_http_route_name("GetTrainingStatus")


def test_status_tables():
    import grpc

    from caikit.core.exceptions.caikit_core_exception import CaikitCoreStatusCode

    assert set(names.STATUS_CODE_TO_HTTP) == set(grpc.StatusCode)
    assert names.STATUS_CODE_TO_HTTP[grpc.StatusCode.UNAVAILABLE] == 503
    assert names.HTTP_TO_STATUS_CODE[400] is grpc.StatusCode.INVALID_ARGUMENT
    assert set(names.CAIKIT_STATUS_CODE_TO_GRPC) == set(CaikitCoreStatusCode)


def test_importing_names_loads_no_server_library():
    code = (
        "import sys; import caikit.runtime.names; "
        "print(sorted({'grpc', 'starlette', 'uvicorn', 'numpy', 'google.protobuf'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


def test_words_of_the_wire():
    assert {member.name: member.value for member in ServiceType} == {
        "INFERENCE": 1,
        "TRAINING": 2,
        "TRAINING_MANAGEMENT": 3,
        "INFO": 4,
        "MODEL_MANAGEMENT": 5,
        "JOB_INFERENCE": 6,
    }
    assert {member.name: member.value for member in names.StreamEventTypes} == {
        "MESSAGE": "message",
        "ERROR": "error",
    }
    assert {
        name: getattr(names, name)
        for name in (
            "ACK_HEADER_STRING",
            "EXTRA_OPENAPI_KEY",
            "LOCAL_MODEL_TYPE",
            "MODEL_ID",
            "MODEL_MESH_MODEL_ID_KEY",
            "OPTIONAL_INPUTS_KEY",
            "REQUIRED_INPUTS_KEY",
        )
    } == {
        "ACK_HEADER_STRING": "acknowledgement",
        "EXTRA_OPENAPI_KEY": "extra_openapi",
        "LOCAL_MODEL_TYPE": "standalone-model",
        "MODEL_ID": "model_id",
        "MODEL_MESH_MODEL_ID_KEY": "mm-model-id",
        "OPTIONAL_INPUTS_KEY": "parameters",
        "REQUIRED_INPUTS_KEY": "inputs",
    }


def test_paths_that_do_not_depend_on_the_library():
    assert (names.HEALTH_ENDPOINT, names.INFO_ENDPOINT, names.MANAGEMENT_ENDPOINT) == (
        "/health",
        "/info",
        "/management",
    )
    assert (names.RUNTIME_INFO_ENDPOINT, names.MODELS_INFO_ENDPOINT) == ("/info/version", "/info/models")
    assert names.MODEL_MANAGEMENT_ENDPOINT == "/management/models"
    assert names.TRAINING_MANAGEMENT_ENDPOINT == "/management/trainings"
