import uuid
from collections.abc import Iterable

from caikit.config import get_config
from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task
from caikit.core.data_model import DataStream
from caikit.runtime.engine.operation import Layout
from caikit.runtime.names import ServiceType
from caikit.runtime.services.package import service_rpcs
from caikit.runtime.services.routes import http_route

PACKAGE = "tests.service_routes"


@dataobject(PACKAGE)
class Score(DataObjectBase):
    value: float


@task(
    unary_parameters={"left": str, "right": str},
    streaming_parameters={"lefts": Iterable[str]},
    unary_output_type=Score,
    streaming_output_type=Iterable[Score],
    visible=False,
    metadata={"extra_openapi": {"summary": "Compares"}},
)
class CompareTextTask(TaskBase):
    """Compares two texts"""


@module(id=str(uuid.uuid4()), name="Compare", version="0.0.1", task=CompareTextTask)
class Compare(ModuleBase):
    """A comparing module"""

    @CompareTextTask.taskmethod()
    def run(self, left: str, right: str, fold: bool = False) -> Score:
        return Score(1.0)

    @CompareTextTask.taskmethod(output_streaming=True)
    def run_out(self, left: str, right: str) -> Iterable[Score]:
        return [Score(1.0)]

    @CompareTextTask.taskmethod(input_streaming=True)
    def run_in(self, lefts: DataStream[str]) -> Score:
        return Score(1.0)

    @classmethod
    def train(cls, words: DataStream[str]) -> "Compare":
        return cls()


def routes(serve, service_type):
    serve(Compare, service_type=service_type)
    return {spec.name: http_route(spec, "api/v1") for spec in service_rpcs(service_type, get_config())}


def test_inference(serve):
    found = routes(serve, ServiceType.INFERENCE)
    unary = found["CompareTextTaskPredict"]
    assert (unary.method, unary.path, unary.layout) == ("POST", "/api/v1/task/compare-text", Layout.INFERENCE)
    assert unary.required == ("left", "right")
    assert unary.visible is False
    assert unary.description == "Compares two texts"
    assert unary.extra_openapi == {"summary": "Compares"}
    assert found["ServerStreamingCompareTextTaskPredict"].path == "/api/v1/task/server-streaming-compare-text"
    streamed = found["ClientStreamingCompareTextTaskPredict"]
    assert (streamed.path, streamed.layout) == (
        "/api/v1/task/client-streaming-compare-text",
        Layout.INFERENCE,
    )


def test_jobs(serve):
    found = routes(serve, ServiceType.JOB_INFERENCE)
    assert {
        name: (route.method, route.path, route.layout, route.required) for name, route in found.items()
    } == {
        "CompareTextTaskStartPredictionJob": (
            "POST",
            "/api/v1/task/compare-text/job",
            Layout.INFERENCE,
            ("left", "right"),
        ),
        "CompareTextTaskGetPredictionJobStatus": (
            "GET",
            "/api/v1/task/compare-text/job",
            Layout.QUERY,
            ("prediction_id",),
        ),
        "CompareTextTaskCancelPredictionJob": (
            "DELETE",
            "/api/v1/task/compare-text/job",
            Layout.QUERY,
            ("prediction_id",),
        ),
        "CompareTextTaskGetPredictionJobResult": (
            "GET",
            "/api/v1/task/compare-text/job/results",
            Layout.QUERY,
            ("prediction_id",),
        ),
    }


def test_training(serve):
    (route,) = routes(serve, ServiceType.TRAINING).values()
    assert (route.method, route.path, route.layout) == (
        "POST",
        "/api/v1/CompareTextTaskCompareTrain",
        Layout.REQUEST,
    )


def test_fixed_services():
    fixed = (ServiceType.TRAINING_MANAGEMENT, ServiceType.MODEL_MANAGEMENT, ServiceType.INFO)
    specs = [spec for service_type in fixed for spec in service_rpcs(service_type)]
    found = {spec.grpc_path: http_route(spec, "api/v1") for spec in specs}
    assert {path: (route.method, route.path, route.layout.name) for path, route in found.items()} == {
        "/caikit.runtime.training.TrainingManagement/GetTrainingStatus": (
            "GET",
            "/management/trainings",
            "QUERY",
        ),
        "/caikit.runtime.training.TrainingManagement/CancelTraining": (
            "DELETE",
            "/management/trainings",
            "QUERY",
        ),
        "/caikit.runtime.models.ModelManagement/DeployModel": ("POST", "/management/models", "REQUEST"),
        "/caikit.runtime.models.ModelManagement/UndeployModel": ("DELETE", "/management/models", "QUERY"),
        "/caikit.runtime.info.InfoService/GetRuntimeInfo": ("GET", "/info/version", "QUERY"),
        "/caikit.runtime.info.InfoService/GetModelsInfo": ("GET", "/info/models", "QUERY"),
    }
