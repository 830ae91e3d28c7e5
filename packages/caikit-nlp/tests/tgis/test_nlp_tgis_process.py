"""A text generation server that the backend starts, watches and ends."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caikit.core.exceptions.caikit_core_exception import CaikitCoreException
from caikit_nlp.modules.text_generation import TextGenerationTGIS
from caikit_tgis_backend.managed_tgis_subprocess import NotReadyError, State
from caikit_tgis_backend.protobufs import generation_pb2


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program that the backend starts is that of the tests; the file has the ids of its processes."""
    program = Path(__file__).with_name("nlp_generation_server.py")
    folder = tmp_path / "bin"
    folder.mkdir()
    pids = tmp_path / "pids"
    script = folder / "text-generation-launcher"
    script.write_text(
        f'#!/bin/sh\necho "$$ $PREFIX_STORE_PATH" >> {pids}\nexec {sys.executable} {program} "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return pids


@pytest.fixture
def make_local(launcher: Path, make_backend: Callable[..., Any]) -> Callable[..., Any]:
    def make(**local: Any) -> Any:
        grpc_port, http_port = free_ports(2)
        settings = {"grpc_port": grpc_port, "http_port": http_port, "health_poll_delay": 0.05, **local}
        return make_backend(local=settings)

    return make


def process_ids(pids: Path) -> list[int]:
    return [int(line.split()[0]) for line in pids.read_text().splitlines()]


def has_ended(pid: int) -> bool:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_the_first_model_is_run(make_local: Callable[..., Any], launcher: Path, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    backend = make_local(num_gpus=2, prompt_dir=str(prompts))
    assert (backend.local_tgis, backend.model_loaded) == (True, False)
    assert backend.get_connection("llama", create=False) is None
    model = TextGenerationTGIS.bootstrap("llama", load_backend=backend)
    assert model.run("a b", max_new_tokens=1).generated_text == "2: gold"
    assert backend.model_loaded
    assert [piece.generated_text for piece in model.run_stream_out("a", max_new_tokens=1)] == ["2:", " gold"]
    assert model.run_tokenizer("a b").token_count == 2
    assert backend.get_connection("llama").prompt_dir == str(prompts)
    assert launcher.read_text().split()[1] == str(prompts)
    assert backend.get_connection("other") is None
    with pytest.raises(ValueError, match=r"Unknown model_id: other; the local .* server runs llama"):
        backend.get_client("other")
    [pid] = process_ids(launcher)
    backend.stop()
    assert has_ended(pid)
    assert not backend.model_loaded
    with pytest.raises(CaikitCoreException, match="The underlying TCP connection is closed"):
        model.run("a")


def test_a_server_that_dies_is_started_again(make_local: Callable[..., Any], launcher: Path) -> None:
    backend = make_local()
    model = TextGenerationTGIS.bootstrap("llama", load_backend=backend)
    model.run("a")
    with pytest.raises(CaikitCoreException):
        model.run("!die now")
    end = time.monotonic() + 30
    answer = None
    while answer is None and time.monotonic() < end:
        try:
            answer = model.run("a", max_new_tokens=1).generated_text
        except CaikitCoreException:
            time.sleep(0.05)
    assert answer == "1: gold"
    first, second = process_ids(launcher)
    assert has_ended(first)
    os.kill(second, 0)
    # An error that says nothing about the server leaves it alone; one that does has it looked after.
    for code in ("INVALID_ARGUMENT", "INTERNAL"):
        with pytest.raises(CaikitCoreException):
            model.run(f"!fail {code} why")
        with pytest.raises(CaikitCoreException):
            list(model.run_stream_out(f"!fail {code} why"))
    assert model.run("a", max_new_tokens=1).generated_text == "1: gold"
    assert len(process_ids(launcher)) == 2


def test_the_server_ends_with_its_model(make_local: Callable[..., Any], launcher: Path) -> None:
    backend = make_local()
    model = TextGenerationTGIS.bootstrap("llama", load_backend=backend)
    model.run("a")
    reloaded = TextGenerationTGIS.bootstrap("llama", load_backend=backend)
    [pid] = process_ids(launcher)
    del model
    assert reloaded.run("a", max_new_tokens=1).generated_text == "1: gold"
    del reloaded
    assert has_ended(pid)
    assert TextGenerationTGIS.bootstrap("another", load_backend=backend).run("a").generated_tokens == 20


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken", r"TGIS failed to boot up with the model\. See logs for details"),
        ("endless", "TGIS failed to boot up with the model within the timeout"),
    ],
)
def test_a_server_that_does_not_come_up(
    make_local: Callable[..., Any], launcher: Path, name: str, message: str
) -> None:
    backend = make_local(load_timeout=10 if name == "broken" else 0.3)
    with pytest.raises(RuntimeError, match=message):
        backend.get_client(name)
    [pid] = process_ids(launcher)
    assert has_ended(pid)
    assert not backend.model_loaded


def test_a_program_that_is_not_there(
    make_local: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="text-generation-launcher"):
        make_local().get_client("m")


def test_calls_before_the_server_is_ready(make_local: Callable[..., Any], launcher: Path) -> None:
    from caikit_tgis_backend.managed_tgis_subprocess import ManagedTGISSubprocess

    grpc_port, http_port = free_ports(2)
    server = ManagedTGISSubprocess("m", grpc_port, http_port, health_poll_delay=0.05)
    client = server.get_client()
    request = generation_pb2.ModelInfoRequest(model_id="m")
    assert server.state is State.STOPPED
    with pytest.raises(NotReadyError, match="the text generation server is stopped"):
        client.ModelInfo(request, timeout=1)
    server.launch()
    try:
        assert server.state is State.BOOTING
        with pytest.raises(NotReadyError, match="the text generation server is booting") as caught:
            client.ModelInfo.future(request, timeout=1)
        assert caught.value.code().name == "UNAVAILABLE"
        server.wait_until_ready()
        assert server.is_ready()
        server.launch()
        assert client.ModelInfo(request, timeout=10).max_sequence_length == 100
        assert len(process_ids(launcher)) == 1
    finally:
        server.terminate()
    assert has_ended(process_ids(launcher)[0])
