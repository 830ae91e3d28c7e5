"""The interface files of the golden library equal the recorded ones."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

GOLDEN = Path(__file__).parents[2] / "golden"
DUMP = "caikit.runtime.dump_services"
MORE_PATHS = re.compile("/(client|bidi)-streaming-|/livez|/readyz")


def run_with_golden_library(
    folder: Path, *arguments: str, head: str = "GRPC", library: Path = GOLDEN / "lib"
) -> None:
    path = [str(library), str(GOLDEN / "shim")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path),
        "RUNTIME_LIBRARY": "golden_lib",
        "RUNTIME_GRPC_ENABLED": str(head == "GRPC").lower(),
        "RUNTIME_HTTP_ENABLED": str(head == "HTTP").lower(),
    }
    subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, check=True, timeout=60)


def compiled(folder: Path, output: Path) -> dict[str, descriptor_pb2.FileDescriptorProto]:
    """The descriptors of all .proto files of a folder, without their import lines: protoc checks that they suffice."""
    files = sorted(path.name for path in folder.glob("*.proto"))
    includes = resources.files("grpc_tools") / "_proto"
    command = [
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        f"-I{folder}",
        f"-I{includes}",
        f"-o{output}",
        *files,
    ]
    subprocess.run(command, check=True, timeout=60)
    descriptors = descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes())
    for file in descriptors.file:
        file.ClearField("dependency")
    return {file.name: file for file in descriptors.file}


@pytest.fixture(scope="module")
def dumped(tmp_path_factory):
    """Folders with what the command line writes for the golden library."""
    folder = tmp_path_factory.mktemp("dump")
    run_with_golden_library(folder, "-m", DUMP, "per_object", "-j")
    run_with_golden_library(folder, "-m", DUMP, "consolidated", "-p")
    return folder


@pytest.mark.parametrize("form", ["per_object", "consolidated"])
def test_descriptors(dumped, tmp_path, form):
    ours = compiled(dumped / form, tmp_path / "ours.bin")
    golden = compiled(GOLDEN / "dump" / form, tmp_path / "golden.bin")
    assert sorted(ours) == sorted(golden)
    assert {name for name in ours if ours[name] != golden[name]} == set()
    assert not (dumped / form / "openapi.json").exists()


def test_modules_file(dumped):
    assert json.loads((dumped / "modules.json").read_text()) == json.loads(
        (GOLDEN / "dump" / "modules.json").read_text()
    )


def test_openapi_document(tmp_path):
    """Same paths and methods as the document of the recorded server, which took no streamed input and had one probe."""
    run_with_golden_library(tmp_path, "-m", DUMP, "out", head="HTTP")
    ours = json.loads((tmp_path / "out" / "openapi.json").read_text())
    golden = json.loads((GOLDEN / "dump" / "openapi_served.json").read_text())
    assert {
        path: set(operations) for path, operations in ours["paths"].items() if not MORE_PATHS.search(path)
    } == {path: set(operations) for path, operations in golden["paths"].items()}
    assert ours["info"]["title"] == "GoldenLib"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["openapi.json"]


@pytest.mark.parametrize("order", [("misc", "greet", "echo"), ("greet", "misc", "echo")])
def test_import_order_changes_nothing(dumped, tmp_path, order):
    library = tmp_path / "lib"
    shutil.copytree(GOLDEN / "lib" / "golden_lib", library / "golden_lib")
    (library / "golden_lib" / "modules" / "__init__.py").write_text(f"from . import {', '.join(order)}\n")
    script = (
        "from typing import List, Optional, Union\n"
        "Optional[Union[str, int]], Optional[Union[List[int], List[str]]]\n"
        "import sys; from caikit.runtime import dump_services; sys.argv[1:] = ['out', '-p']\n"
        "dump_services.main()\n"
    )
    run_with_golden_library(tmp_path, "-c", script, library=library)
    ours = compiled(tmp_path / "out", tmp_path / "ours.bin")
    before = compiled(dumped / "consolidated", tmp_path / "before.bin")
    assert {name for name in before if ours.get(name) != before[name]} == set()
    for file in (dumped / "consolidated").iterdir():
        assert (tmp_path / "out" / file.name).read_text() == file.read_text()
