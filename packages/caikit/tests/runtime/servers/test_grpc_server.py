from __future__ import annotations

import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import served_lib
from google.protobuf import descriptor_pool
from grpc_health.v1 import health_pb2, health_pb2_grpc

from caikit.runtime.grpc_server import RuntimeGRPCServer


def test_call_through_stubs(configure):
    configure()
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        stub = server.inference_service.stub_class(channel)
        request = server.inference_service.messages.WordsTaskRequest(text="hello")
        metadata = [("mm-model-id", "words")]
        assert stub.WordsTaskPredict(request, metadata=metadata).text == "HELLO"
        stream = stub.ServerStreamingWordsTaskPredict(
            server.inference_service.messages.ServerStreamingWordsTaskRequest(text="a", count=2),
            metadata=metadata,
        )
        assert [item.text for item in stream] == ["a 0", "a 1"]


def test_context_is_the_one_of_grpc(configure, calls):
    configure()
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        assert "Context" in calls.unary(channel, "context").text


def test_services(configure):
    configure()
    with RuntimeGRPCServer() as server:
        names = [
            server.inference_service.descriptor.full_name,
            server.inference_job_service.descriptor.full_name,
            server.training_service.descriptor.full_name,
            server.training_management_service.descriptor.full_name,
            server.model_management_service.descriptor.full_name,
            server.runtime_info_service.descriptor.full_name,
        ]
        with server.make_local_channel() as channel:
            health = health_pb2_grpc.HealthStub(channel)
            for name in names:
                assert descriptor_pool.Default().FindServiceByName(name)
                answer = health.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)
                assert answer.status == health_pb2.HealthCheckResponse.SERVING
    assert names[0] == "caikit.runtime.ServedLib.ServedLibService"


def test_services_can_be_turned_off(configure):
    configure()
    with RuntimeGRPCServer(training_service=None) as server, server.make_local_channel() as channel:
        assert server.training_service is None
        assert server.training_management_service is None
        for method in (
            "/caikit.runtime.ServedLib.ServedLibTrainingService/WordsTaskWordsModuleTrain",
            "/caikit.runtime.training.TrainingManagement/GetTrainingStatus",
        ):
            with pytest.raises(grpc.RpcError) as caught:
                channel.unary_unary(method)(b"", timeout=5)
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("way", ["cancel", "deadline"])
def test_abandoned_call_is_interrupted(configure, calls, wait_until, way):
    configure()
    text = f"grpc-{way}"
    before = len(served_lib.interrupted)
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        request = server.inference_service.messages.WordsTaskRequest(text=text, spin=30)
        method = server.inference_service.stub_class(channel).WordsTaskPredict
        call = method.future(
            request, metadata=[("mm-model-id", "words")], timeout=0.3 if way == "deadline" else 30
        )
        wait_until(lambda: text in served_lib.running)
        if way == "cancel":
            call.cancel()
        wait_until(lambda: text not in served_lib.running)
        assert served_lib.interrupted[before:] == ["AbortedException"]
        assert calls.unary(channel, "next").text == "NEXT"


def test_calls_are_not_interrupted_when_that_is_off(configure, wait_until):
    configure(use_abortable_threads=False)
    before = len(served_lib.interrupted)
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        request = server.inference_service.messages.WordsTaskRequest(text="patient", spin=0.5)
        method = server.inference_service.stub_class(channel).WordsTaskPredict
        call = method.future(request, metadata=[("mm-model-id", "words")])
        wait_until(lambda: "patient" in served_lib.running)
        call.cancel()
        time.sleep(0.1)
        assert "patient" in served_lib.running
        wait_until(lambda: "patient" not in served_lib.running)
    assert served_lib.interrupted[before:] == []


def test_abandoned_streams_leave_nothing_behind(configure, wait_until):
    configure(server_thread_pool_size=4)
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        stub = server.inference_service.stub_class(channel)
        messages = server.inference_service.messages
        for _ in range(40):
            stream = stub.ServerStreamingWordsTaskPredict(
                messages.ServerStreamingWordsTaskRequest(text="endless", count=10**9),
                metadata=[("mm-model-id", "words")],
            )
            next(stream)
            stream.cancel()
        wait_until(lambda: "endless" not in served_lib.running)
        assert server.thread_pool.size == 4


def test_stop_finishes_running_calls(configure, calls, wait_until):
    configure()
    server = RuntimeGRPCServer()
    server.start(blocking=False)
    with server.make_local_channel() as channel, ThreadPoolExecutor(1) as executor:
        call = executor.submit(calls.unary, channel, "last", spin=0.4)
        wait_until(lambda: "last" in served_lib.running)
        server.stop(5)
        assert call.result(5).text == "LAST"


def test_stop_without_grace_ends_running_calls(configure, calls, wait_until):
    configure()
    server = RuntimeGRPCServer()
    server.start(blocking=False)
    with server.make_local_channel() as channel, ThreadPoolExecutor(1) as executor:
        call = executor.submit(calls.unary, channel, "ended", spin=30)
        wait_until(lambda: "ended" in served_lib.running)
        server.stop(0)
        with pytest.raises(grpc.RpcError):
            call.result(5)
        wait_until(lambda: "ended" not in served_lib.running)


def test_calls_without_a_message_do_not_hold_workers(configure, calls):
    configure(grpc={"server_thread_pool_size": 1}, request_read_seconds=0.3)
    release = threading.Event()

    def nothing():
        release.wait(10)
        yield from ()

    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        method = channel.stream_unary("/caikit.runtime.ServedLib.ServedLibService/WordsTaskPredict")
        silent = [method.future(nothing(), timeout=10) for _ in range(3)]
        assert calls.unary(channel, "next").text == "NEXT"
        release.set()
        for call in silent:
            call.cancel()


def test_ports(configure, calls, tmp_path):
    configure()
    with RuntimeGRPCServer() as first:
        configure(port=first.port, find_available_port=True)
        with RuntimeGRPCServer() as second, second.make_local_channel() as channel:
            assert second.port not in (0, first.port)
            assert calls.unary(channel, "a").text == "A"
        configure(port=first.port, find_available_port=False)
        with pytest.raises(RuntimeError, match=r"runtime\.grpc\.port"):
            RuntimeGRPCServer()


def test_unix_socket(configure, calls, tmp_path):
    path = tmp_path / "grpc.sock"
    configure(grpc={"unix_socket_path": str(path)})
    with RuntimeGRPCServer(), grpc.insecure_channel(f"unix://{path}") as channel:
        assert calls.unary(channel, "a").text == "A"
    assert not path.exists()


def test_unix_socket_of_another_server(configure, calls, tmp_path, caplog):
    path = tmp_path / "grpc.sock"
    configure(grpc={"unix_socket_path": str(path)})
    with RuntimeGRPCServer(), grpc.insecure_channel(f"unix://{path}") as channel:
        with RuntimeGRPCServer() as second, second.make_local_channel() as local:
            assert calls.unary(local, "a").text == "A"
            assert "another server listens there" in caplog.text
        assert calls.unary(channel, "b").text == "B"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    with RuntimeGRPCServer(), grpc.insecure_channel(f"unix://{path}") as channel:
        assert calls.unary(channel, "c").text == "C"


def test_no_unix_socket_at_a_file(configure, calls, tmp_path, caplog):
    path = tmp_path / "notes"
    path.write_text("mine")
    configure(grpc={"unix_socket_path": str(path)})
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        assert calls.unary(channel, "a").text == "A"
    assert "something that is no socket is there" in caplog.text
    assert path.read_text() == "mine"


def test_options(configure, calls):
    configure(grpc={"options": {"grpc.max_receive_message_length": 1000}})
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        with pytest.raises(grpc.RpcError) as caught:
            calls.unary(channel, "x" * 2000)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_options_of_answers(configure, calls):
    configure(
        grpc={"options": {"grpc.max_send_message_length": 1000, "grpc.default_compression_algorithm": 2}}
    )
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        assert calls.unary(channel, "a" * 500).text == "A" * 500
        with pytest.raises(grpc.RpcError) as raised:
            calls.unary(channel, "".join(map(str, range(1000))))
        assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_garbage_is_refused_and_the_server_goes_on(configure, calls):
    configure()
    noise = random.Random(3)
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        method = channel.unary_unary("/caikit.runtime.ServedLib.ServedLibService/WordsTaskPredict")
        for size in (1, 2, 3, 10, 100, 1000, 10_000):
            with pytest.raises(grpc.RpcError) as caught:
                method(b"\xff" + noise.randbytes(size), timeout=5, metadata=[("mm-model-id", "words")])
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        for model, code in (("", "INVALID_ARGUMENT"), ("nope", "NOT_FOUND"), ("../x", "INVALID_ARGUMENT")):
            with pytest.raises(grpc.RpcError) as caught:
                calls.unary(channel, "a", model=model)
            assert caught.value.code().name in (code, "NOT_FOUND")
        assert calls.unary(channel, "still here").text == "STILL HERE"


def credentials(certs, *, client: bool, root: str):
    def read(path):
        with open(path, "rb") as file:
            return file.read()

    pair = (read(certs.client_key), read(certs.client_pem)) if client else (None, None)
    return grpc.ssl_channel_credentials(read(root), *pair)


def test_tls(configure, calls, certs):
    configure(tls={"server": {"key": certs.server_key, "cert": certs.server_pem}})
    with RuntimeGRPCServer() as server:
        target = f"localhost:{server.port}"
        secure = credentials(certs, client=False, root=certs.ca_pem)
        with grpc.secure_channel(target, secure) as channel:
            assert calls.unary(channel, "a").text == "A"
        with server.make_local_channel() as channel:
            assert calls.unary(channel, "a").text == "A"
        with grpc.insecure_channel(target) as channel, pytest.raises(grpc.RpcError) as caught:
            calls.unary(channel, "a")
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("inline", [True, False])
def test_mutual_tls(configure, calls, certs, inline):
    def give(path):
        if not inline:
            return path
        with open(path) as file:
            return file.read()

    configure(
        tls={
            "server": {"key": give(certs.server_key), "cert": give(certs.server_pem)},
            "client": {"cert": give(certs.ca_pem)},
        }
    )
    with RuntimeGRPCServer() as server:
        target = f"localhost:{server.port}"
        with grpc.secure_channel(target, credentials(certs, client=True, root=certs.ca_pem)) as channel:
            assert calls.unary(channel, "a").text == "A"
        with server.make_local_channel() as channel:
            assert calls.unary(channel, "a").text == "A"
        without = credentials(certs, client=False, root=certs.ca_pem)
        with grpc.secure_channel(target, without) as channel, pytest.raises(grpc.RpcError) as caught:
            calls.unary(channel, "a")
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_key_that_is_nowhere(configure):
    configure(tls={"server": {"key": "/no/such/key", "cert": "/no/such/cert"}})
    with pytest.raises(
        ValueError, match=r"runtime\.tls\.server\.key: expected PEM text or the path of a file"
    ):
        RuntimeGRPCServer()


@pytest.mark.parametrize(
    "tls", [{"server": {"key": "a"}}, {"server": {"cert": "b"}}, {"client": {"cert": "c"}}], ids=repr
)
def test_half_of_tls_is_not_served_in_plain_text(configure, tls):
    configure(tls=tls)
    with pytest.raises(ValueError, match=r"runtime\.tls\.server: expected a key and a cert"):
        RuntimeGRPCServer()
