"""Clients with interface files of an earlier build call a server whose signatures have changed since."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import uuid
from importlib import resources
from pathlib import Path

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

MODULE_ID = "8f721610-0000-49b0-8fd0-7587b3017a37"
PACKAGE = "caikit.runtime.AgedLib"
CALL = f"/{PACKAGE}.AgedLibService/AskTaskPredict"

LIBRARY = f"""
import json
from typing import Dict, List, Optional, Union
from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task

@dataobject("aged_lib")
class Detail(DataObjectBase):
    x: int

@dataobject("aged_lib")
class Answer(DataObjectBase):
    text: str

@task(unary_parameters={{"text": str}}, unary_output_type=Answer)
class AskTask(TaskBase):
    pass

@module("{MODULE_ID}", "Asker", "0.0.1", AskTask)
class Asker(ModuleBase):
    @classmethod
    def load(cls, model_path, **kwargs):
        return cls()

    def run(self, PARAMETERS) -> Answer:
        given = {{name: value for name, value in locals().items() if name != "self" and value is not None}}
        return Answer(json.dumps(given, default=lambda value: value.to_dict()))
"""

BEFORE = """text: str, count: int = None, label: str = None, gone: bool = None, kind: int = None,
        either: Optional[Union[int, str]] = None, mixed: Union[int, str] = None, names: List[str] = None,
        detail: Detail = None, table: Dict[str, int] = None, old_name: str = None"""
# Added first and in between, removed, renamed, of another type, with more alternatives, in another order.
AFTER = """first: bytes = None, table: Dict[str, int] = None, detail: Detail = None, text: str = None,
        new_name: str = None, mixed: Union[float, str, int] = None, label: str = None, kind: str = None,
        between: int = None, names: List[str] = None, either: Optional[Union[int, str]] = None, count: int = None"""


@pytest.fixture
def library(tmp_path):
    """A library of the given signature, with a model and a lock."""
    model = tmp_path / "models" / "m"
    model.mkdir(parents=True)
    (model / "config.yml").write_text(f"module_id: {MODULE_ID}\n")

    def write(parameters):
        (tmp_path / "aged_lib.py").write_text(LIBRARY.replace("PARAMETERS", parameters))
        return tmp_path

    return write


def environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "RUNTIME_LIBRARY": "aged_lib",
        "RUNTIME_LOCAL_MODELS_DIR": str(folder / "models"),
        "RUNTIME_GRPC_HOST": "127.0.0.1",
        "RUNTIME_GRPC_PORT": "0",
        "RUNTIME_GRPC_UNIX_SOCKET_PATH": "",
        "RUNTIME_METRICS_ENABLED": "false",
        "RUNTIME_LAZY_LOAD_WRITE_DETECTION_PERIOD_SECONDS": "0",
        "RUNTIME_SERVICE_GENERATION_BACKWARDS_COMPATIBILITY_LOCK_PATH": str(folder / "interface.lock"),
    }


def dump(folder: Path, *arguments: str) -> str:
    """Write the interface files; returns what the command has printed."""
    command = [sys.executable, "-m", "caikit.runtime.dump_services", "protos", "-c", "-p", *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environment(folder), "RUNTIME_HTTP_ENABLED": "false"},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stderr


def client_of(folder: Path) -> dict[str, type]:
    """The message classes that protoc makes of the interface files."""
    includes = resources.files("grpc_tools") / "_proto"
    output = folder / f"{uuid.uuid4().hex}.bin"
    files = [path.name for path in (folder / "protos").glob("*.proto")]
    command = ["-m", "grpc_tools.protoc", f"-I{folder / 'protos'}", f"-I{includes}", "--include_imports"]
    subprocess.run([sys.executable, *command, f"-o{output}", *files], check=True, timeout=30)
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes()).file:
        pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(full_name))
        for name, full_name in {"Request": f"{PACKAGE}.AskTaskRequest", "Answer": "aged_lib.Answer"}.items()
    }


@contextlib.contextmanager
def serving(folder: Path):
    """A channel to a server of the library as it is now."""
    process = subprocess.Popen(
        [sys.executable, "-m", "caikit.runtime.grpc_server"],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "serving grpc on port: " in line:
                break
        else:
            raise AssertionError("".join(lines))
        port = int(line.split("on port: ")[1].split()[0])
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        process.terminate()
        process.communicate(timeout=20)


def ask(channel, client, **fields):
    """What reaches the module."""
    call = channel.unary_unary(
        CALL,
        request_serializer=client["Request"].SerializeToString,
        response_deserializer=client["Answer"].FromString,
    )
    answer = call(client["Request"](**fields), metadata=[("mm-model-id", "m")], timeout=20)
    return json.loads(answer.text)


EVERYTHING = {
    "text": "t",
    "count": 3,
    "label": "l",
    "either": 5,
    "mixed_int": 6,
    "names": ["a", "b"],
    "detail": {"x": 7},
    "table": {"k": 8},
}
ARRIVES = {
    **{name: value for name, value in EVERYTHING.items() if name != "mixed_int"},
    "mixed": 6,
}


@pytest.mark.parametrize("written", ["lock of the first build", "lock written again"])
def test_values_arrive_where_they_were_meant_to(library, written):
    folder = library(BEFORE)
    # A lock that is written for the first time is no news to anybody.
    assert dump(folder, "--write-lock") == ""
    old = client_of(folder)

    library(AFTER)
    if written == "lock written again":
        told = dump(folder, "--write-lock").splitlines()
        assert [line.partition(": ")[2] for line in told] == [
            f"{PACKAGE}.AskTaskRequest: field {change}"
            for change in ("gone is gone", "kind was int64, now it is string", "old_name is gone")
        ]
    with serving(folder) as channel:
        assert ask(channel, old, **EVERYTHING) == ARRIVES
        assert ask(channel, old, text="t", mixed_str="s") == {"text": "t", "mixed": "s"}
        # What is gone, has another name or another type reaches nothing.
        assert ask(channel, old, text="t", gone=True, old_name="o", kind=9) == {"text": "t"}
        if written == "lock written again":
            new = {"new_name": "n", "kind": "k", "mixed_float": 1.5, "between": 4}
            assert ask(channel, client_of(folder), text="t", **new) == {
                "text": "t",
                "new_name": "n",
                "kind": "k",
                "mixed": 1.5,
                "between": 4,
            }
