"""What a client and a server get from a service package."""

import uuid
from collections.abc import Iterable
from concurrent import futures

import grpc
import pytest
from google.protobuf import descriptor_pool

from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task
from caikit.core.data_model import DataStream
from caikit.runtime.names import ServiceType
from caikit.runtime.service_factory import ServicePackageFactory, get_inference_request

PACKAGE = "tests.service_package"


@dataobject(PACKAGE)
class Line(DataObjectBase):
    text: str


@task(
    unary_parameters={"line": Line},
    streaming_parameters={"lines": Iterable[Line]},
    unary_output_type=Line,
    streaming_output_type=Iterable[Line],
)
class LineTask(TaskBase):
    pass


@module(id=str(uuid.uuid4()), name="Line", version="0.0.1", task=LineTask)
class LineModule(ModuleBase):
    @LineTask.taskmethod()
    def run(self, line: Line) -> Line:
        return line

    @LineTask.taskmethod(input_streaming=True, output_streaming=True)
    def run_bidi(self, lines: DataStream[Line]) -> Iterable[Line]:
        return lines


@module(id=str(uuid.uuid4()), name="OnlyUnary", version="0.0.1", task=LineTask)
class OnlyUnary(ModuleBase):
    def run(self, line: Line) -> Line:
        return line


def test_servicer_registration_and_stub_work_together(serve):
    package = serve(LineModule)

    class Servicer(package.service):
        def BidiStreamingLineTaskPredict(self, requests, context):  # noqa: N802 - the name of the RPC
            for request in requests:
                yield Line(request.lines.text.upper()).to_proto()

    server = grpc.server(futures.ThreadPoolExecutor(1))
    package.registration_function(Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = package.stub_class(channel)
            request = package.messages.BidiStreamingLineTaskRequest(lines=Line("a").to_proto())
            answers = list(stub.BidiStreamingLineTaskPredict(iter([request]), timeout=5))
            assert [answer.text for answer in answers] == ["A"]
            with pytest.raises(grpc.RpcError) as caught:
                stub.LineTaskPredict(package.messages.LineTaskRequest(line=Line("a").to_proto()), timeout=5)
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    finally:
        server.stop(None).wait(5)


def test_the_descriptor_is_in_the_default_pool(serve):
    package = serve(LineModule)
    found = descriptor_pool.Default().FindServiceByName(package.descriptor.full_name)
    assert found is package.descriptor or found == package.descriptor
    assert [method.name for method in found.methods] == ["BidiStreamingLineTaskPredict", "LineTaskPredict"]
    assert found.methods_by_name["BidiStreamingLineTaskPredict"].client_streaming


def test_other_settings_in_the_same_package_do_not_fail(serve, temp_config):
    package = serve(LineModule)
    settings = {"runtime": {"service_generation": {"module_guids": {"excluded": [LineModule.MODULE_ID]}}}}
    temp_config(settings)
    temp_config({"runtime": {"service_generation": {"module_guids": {"included": [OnlyUnary.MODULE_ID]}}}})
    changed = ServicePackageFactory.get_service_package(ServiceType.INFERENCE)
    assert changed.descriptor.full_name == package.descriptor.full_name
    assert list(changed.caikit_rpcs) == ["LineTaskPredict"]
    assert [method.name for method in changed.descriptor.methods] == ["LineTaskPredict"]


def test_messages_know_every_data_object(serve):
    messages = serve(LineModule).messages
    assert messages.Line is Line.get_proto_class()
    assert messages.FileReference.DESCRIPTOR.full_name == "caikit_data_model.common.FileReference"
    assert "LineTaskRequest" in dir(messages)
    with pytest.raises(AttributeError, match="NobodyMadeThis"):
        messages.NobodyMadeThis  # noqa: B018 - the access is what is tested


def test_request_classes(serve):
    package = serve(LineModule)
    assert get_inference_request(LineTask).get_proto_class() is package.messages.LineTaskRequest
    streamed = get_inference_request(LineModule, input_streaming=True, output_streaming=True)
    assert streamed.get_proto_class() is package.messages.BidiStreamingLineTaskRequest


def test_a_service_writes_its_proto_file(serve, tmp_path):
    serve(LineModule).service.write_proto_file(tmp_path)
    (written,) = tmp_path.iterdir()
    assert written.name == "sampleservice.proto"
    assert "service SampleService {" in written.read_text()


@pytest.mark.parametrize(
    ("service_type", "full_name"),
    [
        (ServiceType.INFO, "caikit.runtime.info.InfoService"),
        (ServiceType.TRAINING_MANAGEMENT, "caikit.runtime.training.TrainingManagement"),
        (ServiceType.MODEL_MANAGEMENT, "caikit.runtime.models.ModelManagement"),
    ],
)
def test_fixed_services_have_no_messages(service_type, full_name):
    package = ServicePackageFactory.get_service_package(service_type)
    assert package.descriptor.full_name == full_name
    assert package.messages is None
    assert package.caikit_rpcs == {}
    assert ServicePackageFactory.get_service_package(service_type) == package


def test_modules_that_vanish_break_a_build_that_checks(serve, temp_config, tmp_path):
    previous = tmp_path / "previous.json"
    previous.write_text('{"included_modules": {"LineTask": {"gone-id": "<class \'x.Y\'>"}}}')
    checks = {"enabled": True, "prev_modules_path": str(previous)}
    with pytest.raises(ValueError, match=r"BREAKING CHANGE.*\{'gone-id'\}"):
        serve(LineModule, backwards_compatibility=checks)
    checks["prev_modules_path"] = str(tmp_path / "missing.json")
    with pytest.raises(ValueError, match="is not a valid file path or is missing permissions"):
        serve(LineModule, backwards_compatibility=checks)


def test_the_modules_file_lists_what_is_served(serve, temp_config, tmp_path):
    path = tmp_path / "modules.json"
    serve(LineModule, backwards_compatibility={"current_modules_path": str(path)})
    ServicePackageFactory.get_service_package(ServiceType.INFERENCE, write_modules_file=True)
    assert f'"{LineModule.MODULE_ID}": "{LineModule}"' in path.read_text()
