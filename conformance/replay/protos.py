"""Messages of the golden interface files, built without the toolkit under test."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from .golden import PROTOS

# Services that the interface files do not contain.
_OTHER_METHODS = {
    "/caikit.runtime.models.ModelManagement/DeployModel": (
        "caikit_data_model.runtime.DeployModelRequest",
        "caikit_data_model.common.runtime.ModelInfo",
    ),
    "/caikit.runtime.models.ModelManagement/UndeployModel": (
        "caikit_data_model.runtime.UndeployModelRequest",
        "caikit_data_model.runtime.UndeployModelRequest",
    ),
}


@dataclass(frozen=True)
class Method:
    """How to call one path."""

    request: type[Message]
    response: type[Message]
    input_streaming: bool = False
    output_streaming: bool = False


def load_methods() -> Mapping[str, Method]:
    """Every method of the golden interface files by its path."""
    files = _compile_files()
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)

    def message(name: str) -> type[Message]:
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(name.lstrip(".")))

    methods = {
        path: Method(message(request), message(response))
        for path, (request, response) in _OTHER_METHODS.items()
    }
    for file in files.file:
        for service in file.service:
            for rpc in service.method:
                methods[f"/{file.package}.{service.name}/{rpc.name}"] = Method(
                    message(rpc.input_type),
                    message(rpc.output_type),
                    rpc.client_streaming,
                    rpc.server_streaming,
                )
    return methods


def _compile_files() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "golden.bin"
        command = [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            f"-I{PROTOS}",
            "--include_imports",
            f"--descriptor_set_out={output}",
            *sorted(map(str, PROTOS.glob("*.proto"))),
        ]
        compiler = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - own files
        if compiler.returncode != 0:
            raise RuntimeError(f"The interface files in {PROTOS} do not compile:\n{compiler.stderr}")
        return descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes())
