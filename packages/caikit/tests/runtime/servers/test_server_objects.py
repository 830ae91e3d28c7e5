"""What programs reach through the objects of the servers."""

from __future__ import annotations

import subprocess
import sys

import grpc
import pytest
import served_lib  # noqa: F401 - the library that is served

from caikit.runtime.grpc_server import RuntimeGRPCServer
from caikit.runtime.http_server import RuntimeHTTPServer
from caikit.runtime.service_factory import ServicePackageFactory

CALL = "/caikit.runtime.ServedLib.ServedLibService/WordsTaskPredict"


@pytest.fixture(params=["standard", "native"])
def transport(request):
    return request.param


@pytest.mark.parametrize("head", [RuntimeGRPCServer, RuntimeHTTPServer])
def test_members(configure, transport, head):
    configure(transport=transport)
    with head() as server:
        assert server.config.runtime.library == "served_lib"
        assert server.tls_config == server.config.runtime.tls
        assert server.thread_pool.size == server.config.runtime.server_thread_pool_size
        assert (server.enable_inference, server.enable_training, server.enable_inference_jobs) == (True,) * 3
        assert server.inference_service.descriptor.name == "ServedLibService"
        assert server.port > 0


def test_the_server_below_can_be_waited_for(configure, transport):
    configure(transport=transport)
    server = RuntimeGRPCServer()
    server.start(blocking=False)
    try:
        # grpcio tells whether the time was over.
        assert server.server.wait_for_termination(0.05)
    finally:
        server.stop(0)
    assert not server.server.wait_for_termination(5)


def test_packages_of_older_programs(configure, transport):
    configure(transport=transport)
    service_types = ServicePackageFactory.ServiceType
    factory = ServicePackageFactory()
    with RuntimeGRPCServer(
        inference_service=factory.get_service_package(service_types.INFERENCE),
        training_service=factory.get_service_package(service_types.TRAINING),
    ) as server:
        assert server.inference_service is factory.get_service_package(service_types.INFERENCE)
        assert server.training_service is factory.get_service_package(service_types.TRAINING)


def test_without_inference(configure, transport):
    configure(transport=transport)
    with RuntimeGRPCServer(inference_service=None) as server, server.make_local_channel() as channel:
        assert (server.inference_service, server.inference_job_service) == (None, None)
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(CALL)(b"", timeout=5)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_interface_files(configure, tmp_path):
    configure()
    folder = tmp_path / "protos"
    with RuntimeGRPCServer() as server:
        server.render_protos(str(folder))
    names = {path.name for path in folder.iterdir()}
    assert {
        "servedlibservice.proto",
        "servedlibtrainingservice.proto",
        "caikit.runtime.ServedLib.wordstaskrequest.proto",
        "tests.served_lib.words.proto",
    } <= names
    assert not [name for name in names if not name.endswith(".proto")]


def test_of_two_model_ids_the_last_one_counts(configure, transport):
    configure(transport=transport)
    with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
        call = channel.unary_unary(CALL)
        assert call(b"\n\x01a", metadata=[("mm-model-id", "nobody"), ("mm-model-id", "words")], timeout=5)
        with pytest.raises(grpc.RpcError) as caught:
            call(b"\n\x01a", metadata=[("mm-model-id", "words"), ("mm-model-id", "nobody")], timeout=5)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


SCRIPT = """
import caikit, grpc, os, sys
from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task

@dataobject("main_script")
class Reply(DataObjectBase):
    text: str

@task(unary_parameters={"text": str}, unary_output_type=Reply)
class ReplyTask(TaskBase):
    pass

@module("7f1b5c4e-0000-4000-8000-0000000000e1", "Replier", "1.0.0", task=ReplyTask)
class Replier(ModuleBase):
    @classmethod
    def load(cls, model_path, **kwargs):
        return cls()

    def run(self, text: str) -> Reply:
        return Reply(text.upper())

os.makedirs("models/replier")
with open("models/replier/config.yml", "w") as file:
    file.write(f"module_id: {Replier.MODULE_ID}")
caikit.configure(config_dict={"runtime": {
    "library": "__main__",
    "grpc": {"port": 0, "host": "127.0.0.1", "unix_socket_path": ""},
    "metrics": {"enabled": False},
}})
from caikit.runtime.grpc_server import RuntimeGRPCServer

with RuntimeGRPCServer() as server, server.make_local_channel() as channel:
    call = server.inference_service.stub_class(channel).ReplyTaskPredict
    request = server.inference_service.messages.ReplyTaskRequest(text="a")
    print(server.inference_service.descriptor.full_name, call(request, metadata=[("mm-model-id", "replier")]).text)
"""


def test_a_script_serves_itself(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout == "caikit.runtime.Main.MainService A\n", done.stderr
