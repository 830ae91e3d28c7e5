"""The command and gRPC servers that are not ours: older reflection, none, and wrong descriptions."""

from __future__ import annotations

from concurrent import futures

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from caikit.runtime.protobufs import model_runtime_pb2, model_runtime_pb2_grpc

PATH = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
SERVICE = "mmesh.ModelRuntime"


class Mesh(model_runtime_pb2_grpc.ModelRuntimeServicer):
    def unloadModel(self, request, context):  # noqa: N802 - the name of the RPC
        if request.modelId == "secret":
            metadata = dict(context.invocation_metadata())
            context.abort(grpc.StatusCode.PERMISSION_DENIED, f"no,\n\x1b[1m{metadata.get('x-team')}")
        return model_runtime_pb2.UnloadModelResponse()


@pytest.fixture
def start():
    """Starts a server; a function adds to it what it needs. Returns its address."""
    started = []

    def make(*additions):
        server = grpc.server(futures.ThreadPoolExecutor(2))
        port = server.add_insecure_port("127.0.0.1:0")
        for add in additions:
            add(server)
        server.start()
        started.append(server)
        return f"127.0.0.1:{port}"

    yield make
    for server in started:
        server.stop(0).wait()


def add_mesh(server):
    model_runtime_pb2_grpc.add_ModelRuntimeServicer_to_server(Mesh(), server)


def add_reflection(server):
    reflection.enable_server_reflection([SERVICE, reflection.SERVICE_NAME], server)


def reflecting(answers):
    """A reflection that gives these answers, one after the other."""

    def serve(requests, context):
        waiting = iter(answers)
        for _ in requests:
            answer = next(waiting, None)
            if answer is None:
                return
            yield answer

    handler = grpc.stream_stream_rpc_method_handler(
        serve,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=lambda each: each if isinstance(each, bytes) else each.SerializeToString(),
    )

    class Handler(grpc.GenericRpcHandler):
        def service(self, details):
            return handler if details.method == PATH else None

    return lambda server: server.add_generic_rpc_handlers((Handler(),))


def services(*names):
    listed = [reflection_pb2.ServiceResponse(name=name) for name in names]
    return reflection_pb2.ServerReflectionResponse(
        list_services_response=reflection_pb2.ListServiceResponse(service=listed)
    )


def files(*contents):
    data = [each if isinstance(each, bytes) else each.SerializeToString() for each in contents]
    return reflection_pb2.ServerReflectionResponse(
        file_descriptor_response=reflection_pb2.FileDescriptorResponse(file_descriptor_proto=data)
    )


def file(name, *dependency, service=None, message="x.M"):
    made = descriptor_pb2.FileDescriptorProto(name=name, package="x", syntax="proto3", dependency=dependency)
    if service:
        made.service.add(name=service).method.add(
            name="Do", input_type=f".{message}", output_type=f".{message}"
        )
    return made


def test_older_reflection(quick, start):
    address = start(add_mesh, add_reflection)
    names = [rpc["name"] for rpc in quick("tasks", "--all", "-s", address).json]
    assert names == ["loadModel", "modelSize", "predictModelSize", "runtimeStatus", "unloadModel"]
    assert quick("models", "unload", "x", "-s", address).json == {"model_id": "x"}
    assert quick("call", "unload_model", "modelId=x", "-s", address).json == {}


def test_metadata_and_what_a_server_says(quick, start):
    address = start(add_mesh, add_reflection)
    done = quick("models", "unload", "secret", "-s", address, "-H", "X-Team=ours")
    assert (done.code, done.out) == (1, "")
    assert done.err == "caikit models: error: no, \\x1b[1mours (PERMISSION_DENIED)\n"
    done = quick("models", "load", "x", "y", "-s", address)
    assert "(UNIMPLEMENTED)" in done.err
    done = quick("models", "-s", address)
    assert (
        done.err
        == f"caikit models: error: {address} does not offer caikit.runtime.info.InfoService/GetModelsInfo\n"
    )


def test_no_reflection(quick, start):
    address = start(add_mesh)
    done = quick("tasks", "-s", address)
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        f"caikit tasks: error: {address} does not describe its services (gRPC reflection); --http may help\n"
    )


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([], "The server stopped to describe itself"),
        ([b"\xff"], "describes itself with something else than gRPC reflection"),
        ([services("x.S")], "The server stopped to describe itself"),
        ([services("x.S"), files()], "does not describe its service x.S"),
        ([services("x.S"), files(b"\xff")], "describes itself with broken files"),
        ([services("x.S"), files(file("a"))], "does not describe its service x.S"),
        ([services("x.S"), files(file("a", "b")), files()], "does not describe b"),
        ([services("x.S"), files(file("a", "b"), file("b", "a"))], "describes files that import each other"),
        ([services("x.S"), files(file("a", "a"))], "describes files that import each other"),
        ([services("x.S"), files(file("a", service="S"))], "describes a in a wrong way"),
    ],
)
def test_wrong_descriptions(quick, start, answers, message):
    address = start(reflecting(answers))
    done = quick("tasks", "--all", "-s", address, "--timeout", "5")
    assert (done.code, done.out) == (1, "")
    assert message in done.err
    assert done.err.count("\n") == 1


def test_a_service_that_is_listed_but_not_known(quick, start):
    unknown = reflection_pb2.ServerReflectionResponse(
        error_response=reflection_pb2.ErrorResponse(error_code=5, error_message="not found")
    )
    described = file("a", service="S")
    described.message_type.add(name="M")
    address = start(reflecting([services("x.T", "x.S"), unknown, files(described)]))
    assert [rpc["service"] for rpc in quick("tasks", "--all", "-s", address).json] == ["x.S"]


def test_messages_that_contain_themselves(quick, start):
    described = file("a", service="S", message="x.Tree")
    tree = described.message_type.add(name="Tree")
    kinds = descriptor_pb2.FieldDescriptorProto
    tree.field.add(name="name", number=1, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
    tree.field.add(
        name="below", number=2, type=kinds.TYPE_MESSAGE, type_name=".x.Tree", label=kinds.LABEL_REPEATED
    )
    address = start(reflecting([services("x.S"), files(described)]))
    done = quick("tasks", "Do", "-s", address)
    assert [each["type"] for each in done.json["inputs"]] == ["str", "list[Tree]"]
