"""How a mesh controls the models of a runtime."""

from __future__ import annotations

import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import mesh_lib
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from caikit.runtime.protobufs.model_runtime_pb2 import (
    ModelSizeRequest,
    PredictModelSizeRequest,
    RuntimeStatusResponse,
)

READY, STARTING = RuntimeStatusResponse.READY, RuntimeStatusResponse.STARTING
HEAR = "/caikit.runtime.MeshLib.MeshLibService/HearTaskPredict"


@pytest.fixture
def gate():
    """The name of a model whose load waits, and the event that lets it go on."""
    name = f"gated-{random.getrandbits(64)}"
    mesh_lib.gates[name] = threading.Event()
    yield name, mesh_lib.gates[name]
    mesh_lib.gates.pop(name).set()


def refused(call, *args, **kwargs):
    with pytest.raises(grpc.RpcError) as caught:
        call(*args, **kwargs)
    return caught.value.code().name, caught.value.details()


def test_the_mesh_is_told_what_is_configured(start_mesh):
    mesh = start_mesh(
        {
            "capacity": 2**40,
            "max_loading_concurrency": 3,
            "model_loading_timeout_ms": 4000,
            "default_model_size": 5,
            "runtime_version": "six",
            "numeric_runtime_version": 7,
            "latency_based_autoscaling_enabled": False,
            "method_infos": {"inference.GRPCInferenceService/ModelInfer": [1], "my.Service/Call": [5, 2]},
            "allow_any_method": True,
        }
    )
    status = mesh.status()
    assert status.status == READY
    assert (status.capacityInBytes, status.maxLoadingConcurrency, status.modelLoadingTimeoutMs) == (
        2**40,
        3,
        4000,
    )
    assert (status.defaultModelSizeInBytes, status.runtimeVersion, status.numericRuntimeVersion) == (
        5,
        "six",
        7,
    )
    assert (status.limitModelConcurrency, status.allowAnyMethod) == (False, True)
    assert {method: list(info.idInjectionPath) for method, info in status.methodInfos.items()} == {
        "inference.GRPCInferenceService/ModelInfer": [1],
        "my.Service/Call": [5, 2],
    }


def test_by_default_every_method_is_forwarded(mesh):
    status = mesh.status()
    assert status.status == READY
    assert not status.methodInfos
    assert min(status.capacityInBytes, status.modelLoadingTimeoutMs, status.defaultModelSizeInBytes) > 0


@pytest.mark.parametrize("value", [-1, 2**64, "much", 1.5])
def test_settings_that_do_not_fit_are_named(start_mesh, value):
    with pytest.raises(ValueError, match=r"inference_plugin\.model_mesh\.capacity: expected a whole number"):
        start_mesh({"capacity": value})


def test_life_of_a_model(mesh):
    path = mesh.make_model("a")
    answer = mesh.load("one", path, modelType="keywords_text-rank")
    size = answer.sizeInBytes
    assert (size > 0, answer.maxConcurrency) == (True, 8)
    assert mesh.ask("hello", ("mm-model-id", "one")).text == "HELLO"
    assert mesh.runtime.modelSize(ModelSizeRequest(modelId="one")).sizeInBytes == size
    mesh.unload("one")
    mesh.unload("one")
    assert refused(mesh.ask, "hello", ("mm-model-id", "one")) == ("NOT_FOUND", "Model 'one' not loaded")
    assert refused(mesh.runtime.modelSize, ModelSizeRequest(modelId="one"))[0] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("fields", "details"),
    [
        ({"modelId": ""}, "Missing required model ID"),
        ({"modelType": ""}, "Missing required model type"),
        ({"modelId": "../x"}, "Invalid model ID '../x'"),
        ({"modelId": "x" * 300}, "Invalid model ID"),
    ],
)
def test_requests_that_name_no_model(mesh, fields, details):
    asked = {"modelId": "x", "modelType": "t", "modelPath": mesh.make_model("b"), **fields}
    model_id = asked.pop("modelId")
    path = asked.pop("modelPath")
    code, text = refused(mesh.load, model_id, path, **asked)
    assert (code, text[: len(details)]) == ("INVALID_ARGUMENT", details)


def test_bytes_that_are_no_message(mesh):
    for name in ("loadModel", "unloadModel", "predictModelSize", "modelSize"):
        call = mesh.channel.unary_unary(f"/mmesh.ModelRuntime/{name}")
        code, details = refused(call, b"\xff\xff", timeout=5)
        assert (code, details[:24]) == ("INVALID_ARGUMENT", "The request is malformed")


def test_model_keys(mesh):
    key = {
        "model_type": {"name": "keywords_text-rank", "version": "1"},
        "disk_size_bytes": 4096,
        "bucket": "b",
    }
    answer = mesh.load("k", mesh.make_model("c"), modelType="rt:whatever", modelKey=json.dumps(key))
    assert answer.maxConcurrency == 8

    def predicted(**fields):
        return mesh.runtime.predictModelSize(
            PredictModelSizeRequest(modelId="n", modelType="fake_module", **fields), timeout=5
        ).sizeInBytes

    # Nobody looks for files whose size the mesh knows.
    assert predicted(modelPath="/not/there", modelKey='{"disk_size_bytes": 100}') == 200
    key = {"disk_size_bytes": 100, "model_type": {"name": "other"}}
    assert predicted(modelPath="/not/there", modelKey=json.dumps(key)) == 1000
    real = predicted(modelPath=mesh.make_model("d"))
    for odd in ("k", "[]", '{"model_type": 5}', '{"disk_size_bytes": "many"}', "[" * 100_000):
        assert predicted(modelPath=str(mesh.folder / "elsewhere" / "d"), modelKey=odd) == real


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ([("mm-model-id-bin", "größe-模型".encode())], "OK"),
        (
            [("mm-model-id", "größe".encode("ascii", "replace").decode()), ("mm-model-id-bin", b"x")],
            "NOT_FOUND",
        ),
        ([("mm-model-id", ""), ("mm-model-id-bin", "größe-模型".encode())], "OK"),
        ([("mm-model-id-bin", b"gr\xf6\xdfe")], "INVALID_ARGUMENT"),
        ([("mm-model-id-bin", b"")], "INVALID_ARGUMENT"),
        ([("mm-vmodel-id", "größe".encode("ascii", "ignore").decode())], "INVALID_ARGUMENT"),
        ([("mm-vmodel-id-bin", "größe-模型".encode())], "INVALID_ARGUMENT"),
        ([("mm-model-id-bin", "größe-模型".encode()), ("mm-vmodel-id", "v"), ("mm-balanced", "true")], "OK"),
        ([("mm-model-id-bin", b"../models")], "INVALID_ARGUMENT"),
        ([], "INVALID_ARGUMENT"),
    ],
)
def test_ids_in_metadata(mesh, metadata, code):
    mesh.load("größe-模型", mesh.make_model("e"))
    if code == "OK":
        assert mesh.ask("x", *metadata).text == "X"
        return
    assert refused(mesh.ask, "x", *metadata)[0] == code
    assert mesh.ask("x", ("mm-model-id-bin", "größe-模型".encode())).text == "X"


def test_huge_metadata_are_refused_and_the_server_goes_on(mesh):
    mesh.load("m", mesh.make_model("f"))
    code, _ = refused(mesh.ask, "x", ("mm-model-id", "m"), ("x-more", "y" * 200_000))
    assert code in ("RESOURCE_EXHAUSTED", "INTERNAL", "UNAVAILABLE")  # grpcio's own limit
    many = [(f"x-{number}", "y") for number in range(80)]
    assert mesh.ask("x", ("mm-model-id", "m"), *many).text == "X"


def test_a_cancelled_load_is_gone_after_the_unload_that_follows(mesh, gate, wait_until):
    name, event = gate
    load = mesh.load("half", mesh.make_model(name), future=True)
    wait_until(lambda: name in mesh_lib.begun)
    load.cancel()
    unload = mesh.unload("half", future=True)
    # The load cannot be stopped, and the mesh must not count on memory that is still in use.
    with pytest.raises(grpc.FutureTimeoutError):
        unload.result(0.1)
    assert refused(mesh.ask, "x", ("mm-model-id", "half"))[0] == "NOT_FOUND"
    before = len(mesh_lib.alive)
    event.set()
    unload.result(5)
    wait_until(lambda: len(mesh_lib.alive) <= before)
    assert mesh.load("half", mesh.make_model("g")).sizeInBytes > 0


def test_a_load_that_takes_longer_than_its_deadline_is_dropped(mesh, gate, wait_until):
    name, event = gate
    path = mesh.make_model(name)
    request = {"modelId": "late", "modelType": "t", "modelPath": path}
    from caikit.runtime.protobufs.model_runtime_pb2 import LoadModelRequest

    assert refused(mesh.runtime.loadModel, LoadModelRequest(**request), timeout=0.2)[0] == "DEADLINE_EXCEEDED"
    # The server counts from when the request has come, which is later than when the client has sent it.
    time.sleep(0.5)
    event.set()
    wait_until(lambda: "late" not in mesh.server._core.store.models)


def test_one_of_two_who_wait_may_leave(mesh, gate, wait_until):
    name, event = gate
    path = mesh.make_model(name)
    first, second = (mesh.load("shared", path, future=True) for _ in range(2))
    wait_until(lambda: name in mesh_lib.begun and mesh.server.thread_pool.running == 2)
    # Nothing tells that the second one waits for the load of the first.
    time.sleep(0.2)
    first.cancel()
    event.set()
    assert second.result(5).sizeInBytes > 0
    assert mesh.ask("x", ("mm-model-id", "shared")).text == "X"
    assert mesh_lib.begun.count(name) == 1


def test_a_model_is_gone_only_when_nobody_uses_it(mesh):
    mesh.load("busy", mesh.make_model("h"))
    call = mesh.ask("x", ("mm-model-id", "busy"), future=True, seconds=0.4)
    with pytest.raises(grpc.FutureTimeoutError):
        call.result(0.1)
    assert refused(mesh.unload, "busy", timeout=0.1)[0] == "DEADLINE_EXCEEDED"
    unload = mesh.unload("busy", future=True)
    assert call.result(5).text == "X"
    unload.result(5)


def test_a_mesh_that_starts_anew_finds_no_models(start_mesh, gate, wait_until, tmp_path):
    name, event = gate
    local = tmp_path / "models" / "local"
    local.mkdir(parents=True)
    (local / "config.yml").write_text(f"module_id: {mesh_lib.MODULE_ID}\n")
    mesh = start_mesh()
    mesh.load("old", mesh.make_model("i"))
    loading = mesh.load("loading", mesh.make_model(name), future=True)
    wait_until(lambda: name in mesh_lib.begun)
    assert mesh.status().status == STARTING
    assert refused(mesh.ask, "x", ("mm-model-id", "old"))[0] == "NOT_FOUND"
    event.set()
    wait_until(lambda: mesh.status().status == READY)
    with pytest.raises(grpc.RpcError):
        loading.result(5)
    assert refused(mesh.ask, "x", ("mm-model-id", "loading"))[0] == "NOT_FOUND"
    # What the operator has put there is not the mesh's to drop.
    assert mesh.ask("x", ("mm-model-id", "local")).text == "X"


def test_not_found_means_a_lost_model_and_nothing_else(mesh):
    mesh.load("found", mesh.make_model("j"))
    assert refused(mesh.ask, "lost", ("mm-model-id", "found")) == ("FAILED_PRECONDITION", "no such page")
    service = mesh.server.inference_service
    stream = service.stub_class(mesh.channel).ServerStreamingHearTaskPredict(
        service.messages.ServerStreamingHearTaskRequest(text="lost"), metadata=[("mm-model-id", "found")]
    )
    assert next(stream).text == "lost"
    with pytest.raises(grpc.RpcError) as caught:
        next(stream)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    mesh.unload("found")
    assert refused(mesh.ask, "lost", ("mm-model-id", "found"))[0] == "NOT_FOUND"


def test_models_of_the_operator_may_say_not_found(start_mesh, tmp_path):
    local = tmp_path / "models" / "mine"
    local.mkdir(parents=True)
    (local / "config.yml").write_text(f"module_id: {mesh_lib.MODULE_ID}\n")
    assert refused(start_mesh().ask, "lost", ("mm-model-id", "mine")) == ("NOT_FOUND", "no such page")


def test_a_failed_load_leaves_nothing(mesh):
    path = mesh.folder / "elsewhere" / "broken"
    path.mkdir(parents=True)
    code, details = refused(mesh.load, "b", str(path))
    assert (code, details[:40]) == ("NOT_FOUND", "Model b not found. Nested error: Module ")
    mesh.unload("b")
    (path / "config.yml").write_text(f"module_id: {mesh_lib.MODULE_ID}\n")
    assert mesh.load("b", str(path)).sizeInBytes > 0


def test_a_hundred_loads_and_unloads_of_one_id(mesh):
    path = mesh.make_model("k")
    outcomes = []

    def act(number):
        try:
            call = mesh.load("same", path, future=True) if number % 2 else mesh.unload("same", future=True)
            if number % 5 == 0:
                call.cancel()
            call.result(20)
            outcomes.append("OK")
        except grpc.FutureCancelledError:
            outcomes.append("CANCELLED")
        except grpc.RpcError as error:
            outcomes.append(error.code().name)

    with ThreadPoolExecutor(20) as executor:
        list(executor.map(act, range(200)))
    assert len(outcomes) == 200
    # A model may be unloaded under somebody who waits for it.
    assert set(outcomes) <= {"OK", "CANCELLED", "ABORTED"}
    mesh.unload("same")
    assert refused(mesh.ask, "x", ("mm-model-id", "same"))[0] == "NOT_FOUND"
    mesh.load("same", path)
    assert mesh.ask("x", ("mm-model-id", "same")).text == "X"
    mesh.unload("same")
    assert "same" not in mesh.server._core.store.models


def test_unknown_services_and_methods(mesh):
    for path in ("/mmesh.ModelMesh/registerModel", "/mmesh.ModelRuntime/nothing", "/nothing", "/a.b/c"):
        call = mesh.channel.unary_unary(path)
        assert refused(call, b"", timeout=5)[0] == "UNIMPLEMENTED"
    assert mesh.status().status == READY


def test_without_a_mesh(start_mesh):
    mesh = start_mesh({"enabled": False})
    assert refused(mesh.status)[0] == "UNIMPLEMENTED"


def test_health_and_reflection_know_the_service(mesh):
    health = health_pb2_grpc.HealthStub(mesh.channel)
    answer = health.Check(health_pb2.HealthCheckRequest(service="mmesh.ModelRuntime"), timeout=5)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    for version in ("v1", "v1alpha"):
        call = mesh.channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        requests = [
            reflection_pb2.ServerReflectionRequest(list_services=""),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol="mmesh.ModelRuntime"),
        ]
        listed, described = call(iter(requests), timeout=5)
        assert "mmesh.ModelRuntime" in [each.name for each in listed.list_services_response.service]
        assert len(described.file_descriptor_response.file_descriptor_proto) == 1
