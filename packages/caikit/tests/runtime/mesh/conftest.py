"""A server of the golden library in a process of its own, which has a client in another."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from golden_server import serve_golden


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    with serve_golden(tmp_path_factory.mktemp("golden")) as server:
        yield server


@pytest.fixture(scope="module")
def channel(golden: SimpleNamespace) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(golden.target) as channel:
        yield channel


class Mesh(SimpleNamespace):
    """A server of the test library in this process, and its stubs."""

    folder: Path
    server: Any
    channel: grpc.Channel
    runtime: Any

    def make_model(self, name: str, parent: str = "elsewhere") -> str:
        """The path of a new model that no server knows."""
        path = self.folder / parent / name
        path.mkdir(parents=True)
        (path / "config.yml").write_text("module_id: 7f1b5c4e-0000-4000-8000-0000000000e5\n")
        return str(path)

    def load(self, model_id: str, path: str, *, future: bool = False, **fields: Any) -> Any:
        from caikit.runtime.protobufs.model_runtime_pb2 import LoadModelRequest

        request = LoadModelRequest(**{"modelId": model_id, "modelType": "ear", "modelPath": path, **fields})
        call = self.runtime.loadModel
        return (call.future if future else call)(request, timeout=10)

    def unload(self, model_id: str, *, future: bool = False, timeout: float = 10) -> Any:
        from caikit.runtime.protobufs.model_runtime_pb2 import UnloadModelRequest

        call = self.runtime.unloadModel
        return (call.future if future else call)(UnloadModelRequest(modelId=model_id), timeout=timeout)

    def status(self) -> Any:
        from caikit.runtime.protobufs.model_runtime_pb2 import RuntimeStatusRequest

        return self.runtime.runtimeStatus(RuntimeStatusRequest(), timeout=5)

    def ask(self, text: str, *metadata: tuple[str, Any], future: bool = False, **fields: Any) -> Any:
        service = self.server.inference_service
        call = service.stub_class(self.channel).HearTaskPredict
        request = service.messages.HearTaskRequest(text=text, **fields)
        return (call.future if future else call)(request, metadata=metadata, timeout=10)


@pytest.fixture
def start_mesh(
    tmp_path: Path, temp_config: Callable[[dict[str, Any]], None]
) -> Iterator[Callable[..., Mesh]]:
    """Starts a server; keyword arguments go to `inference_plugin.model_mesh` and `runtime`."""
    from caikit.runtime.grpc_server import RuntimeGRPCServer
    from caikit.runtime.protobufs.model_runtime_pb2_grpc import ModelRuntimeStub

    with contextlib.ExitStack() as stack:

        def start(mesh: dict[str, Any] | None = None, **runtime: Any) -> Mesh:
            (tmp_path / "models").mkdir(exist_ok=True)
            settings = {
                "library": "mesh_lib",
                "local_models_dir": str(tmp_path / "models"),
                "lazy_load_write_detection_period_seconds": 0,
                "training": {"output_dir": str(tmp_path / "trained")},
                "grpc": {"port": 0, "host": "127.0.0.1", "unix_socket_path": ""},
                "metrics": {"enabled": False},
                **runtime,
            }
            temp_config({"runtime": settings, "inference_plugin": {"model_mesh": mesh or {}}})
            server = stack.enter_context(RuntimeGRPCServer())
            channel = stack.enter_context(server.make_local_channel())
            return Mesh(folder=tmp_path, server=server, channel=channel, runtime=ModelRuntimeStub(channel))

        yield start


@pytest.fixture
def mesh(start_mesh: Callable[..., Mesh]) -> Mesh:
    return start_mesh()


@pytest.fixture
def wait_until() -> Callable[..., None]:
    def wait(condition: Callable[[], Any], seconds: float = 5.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.005)

    return wait
