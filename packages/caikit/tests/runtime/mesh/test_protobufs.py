"""Messages, stubs and servicers work with plain grpcio, as those that protoc has made."""

from __future__ import annotations

import subprocess
import sys
from concurrent import futures
from importlib import resources

import grpc
import pytest
from google.protobuf import descriptor_pb2

from caikit.runtime.protobufs import (
    model_mesh_pb2,
    model_mesh_pb2_grpc,
    model_runtime_pb2,
    model_runtime_pb2_grpc,
    process_pb2,
    process_pb2_grpc,
)


@pytest.fixture
def served():
    """A channel to a server with these services."""
    servers = []

    def serve(*registrations):
        server = grpc.server(futures.ThreadPoolExecutor(2))
        for add, servicer in registrations:
            add(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        servers.append((server, channel))
        return channel

    yield serve
    for server, channel in servers:
        channel.close()
        server.stop(None).wait(5)


def test_stub_and_servicer(served):
    class Runtime(model_runtime_pb2_grpc.ModelRuntimeServicer):
        def loadModel(self, request, context):  # noqa: N802 - the name of the RPC
            return model_runtime_pb2.LoadModelResponse(sizeInBytes=len(request.modelId), maxConcurrency=2)

    class Process(process_pb2_grpc.ProcessServicer):
        def Run(self, request, context):  # noqa: N802 - the name of the RPC
            return process_pb2.ProcessResponse(
                trainingID=request.trainingID, response_dict=dict(request.request_dict)
            )

    channel = served(
        (model_runtime_pb2_grpc.add_ModelRuntimeServicer_to_server, Runtime()),
        (process_pb2_grpc.add_ProcessServicer_to_server, Process()),
    )
    runtime = model_runtime_pb2_grpc.ModelRuntimeStub(channel)
    assert runtime.loadModel(model_runtime_pb2.LoadModelRequest(modelId="abc"), timeout=5).sizeInBytes == 3
    with pytest.raises(grpc.RpcError) as caught:
        runtime.unloadModel(model_runtime_pb2.UnloadModelRequest(), timeout=5)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    request = process_pb2.ProcessRequest(trainingID="t", request_dict={"a": "b"})
    answer = process_pb2_grpc.ProcessStub(channel).Run(request, timeout=5)
    assert (answer.trainingID, dict(answer.response_dict)) == ("t", {"a": "b"})


def test_models_of_a_mesh(served):
    class Mesh(model_mesh_pb2_grpc.ModelMeshServicer):
        def registerModel(self, request, context):  # noqa: N802 - the name of the RPC
            known = request.modelId == "a" and request.modelInfo.path == "/p"
            return model_mesh_pb2.ModelStatusInfo(
                status=model_mesh_pb2.ModelStatusInfo.LOADED
                if known
                else model_mesh_pb2.ModelStatusInfo.NOT_FOUND
            )

    stub = model_mesh_pb2_grpc.ModelMeshStub(
        served((model_mesh_pb2_grpc.add_ModelMeshServicer_to_server, Mesh()))
    )
    info = model_mesh_pb2.ModelInfo(type="t", path="/p", key="{}")
    request = model_mesh_pb2.RegisterModelRequest(modelId="a", modelInfo=info, loadNow=True, sync=True)
    assert stub.registerModel(request, timeout=5).status == 3
    for call, request in [
        (stub.unregisterModel, model_mesh_pb2.UnregisterModelRequest(modelId="a")),
        (stub.getModelStatus, model_mesh_pb2.GetStatusRequest(modelId="a")),
        (stub.ensureLoaded, model_mesh_pb2.EnsureLoadedRequest(modelId="a", lastUsedTime=1, sync=True)),
    ]:
        with pytest.raises(grpc.RpcError) as caught:
            call(request, timeout=5)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_enum_values_are_attributes():
    status = model_runtime_pb2.RuntimeStatusResponse
    assert (status.STARTING, status.READY, status.FAILING) == (0, 1, 2)
    assert status.MethodInfo(idInjectionPath=[1]).idInjectionPath == [1]


INTERFACE = """
syntax = "proto3";
package mmesh;
option java_package = "com.ibm.watson.modelmesh.api";
option java_multiple_files = true;
message LoadModelRequest { string modelId = 1; string modelType = 2; string modelPath = 3; string modelKey = 4; }
message LoadModelResponse { uint64 sizeInBytes = 1; uint32 maxConcurrency = 2; }
message UnloadModelRequest { string modelId = 1; }
message UnloadModelResponse {}
message PredictModelSizeRequest { string modelId = 1; string modelType = 2; string modelPath = 3; string modelKey = 4; }
message PredictModelSizeResponse { uint64 sizeInBytes = 1; }
message ModelSizeRequest { string modelId = 1; }
message ModelSizeResponse { uint64 sizeInBytes = 1; }
message RuntimeStatusRequest {}
message RuntimeStatusResponse {
  enum Status { STARTING = 0; READY = 1; FAILING = 2; }
  message MethodInfo { repeated uint32 idInjectionPath = 1; }
  Status status = 1;
  uint64 capacityInBytes = 2;
  uint32 maxLoadingConcurrency = 3;
  uint32 modelLoadingTimeoutMs = 4;
  uint64 defaultModelSizeInBytes = 5;
  string runtimeVersion = 6;
  uint64 numericRuntimeVersion = 7;
  map<string, MethodInfo> methodInfos = 8;
  bool limitModelConcurrency = 9;
  bool allowAnyMethod = 10;
}
service ModelRuntime {
  rpc loadModel(LoadModelRequest) returns (LoadModelResponse);
  rpc unloadModel(UnloadModelRequest) returns (UnloadModelResponse);
  rpc predictModelSize(PredictModelSizeRequest) returns (PredictModelSizeResponse);
  rpc modelSize(ModelSizeRequest) returns (ModelSizeResponse);
  rpc runtimeStatus(RuntimeStatusRequest) returns (RuntimeStatusResponse);
}
"""


def test_descriptors_are_those_of_the_published_interface(tmp_path):
    (tmp_path / "model_runtime.proto").write_text(INTERFACE)
    includes = resources.files("grpc_tools") / "_proto"
    command = [
        "-m",
        "grpc_tools.protoc",
        f"-I{tmp_path}",
        f"-I{includes}",
        f"-o{tmp_path}/out",
        "model_runtime.proto",
    ]
    subprocess.run([sys.executable, *command], check=True, timeout=20)
    (published,) = descriptor_pb2.FileDescriptorSet.FromString((tmp_path / "out").read_bytes()).file
    ours = descriptor_pb2.FileDescriptorProto()
    model_runtime_pb2.DESCRIPTOR.CopyToProto(ours)
    published.name = ours.name
    for file in (ours, published):
        without_json_names(file.message_type)
        for message in file.message_type:
            entries = sorted(message.nested_type, key=lambda each: each.name)
            del message.nested_type[:]
            message.nested_type.extend(entries)
    assert ours == published


def without_json_names(messages):
    """Protobuf leaves them out of some copies."""
    for message in messages:
        without_json_names(message.nested_type)
        for field in message.field:
            field.ClearField("json_name")
