"""The command lines: start, signals, exit."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time

import grpc
import pytest
import requests


def call(port: int, **parameters):
    return requests.post(
        f"http://127.0.0.1:{port}/api/v1/task/words",
        json={"model_id": "words", "inputs": "a", "parameters": parameters},
        timeout=20,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_servers(start_program, number):
    program = start_program("-m", "caikit.runtime")
    grpc_port = program.port("grpc")
    http_port = program.port("http")
    assert call(http_port).json() == {"text": "A"}
    with grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
        grpc.channel_ready_future(channel).result(5)
    program.process.send_signal(number)
    assert program.finish() == 0
    assert f"received interrupt signal {int(number)}" in "".join(program.output)
    assert "Traceback" not in "".join(program.output)


@pytest.mark.parametrize("name", ["grpc", "http"])
def test_one_server(start_program, name):
    program = start_program("-m", f"caikit.runtime.{name}_server")
    assert program.port(name)
    program.process.terminate()
    assert program.finish() == 0


def test_running_requests_are_finished(start_program):
    program = start_program("-m", "caikit.runtime.http_server")
    port = program.port("http")
    body = b'{"model_id": "words", "inputs": "a", "parameters": {"spin": 1.0}}'
    sock = socket.create_connection(("127.0.0.1", port), timeout=10)
    sock.sendall(
        b"POST /api/v1/task/words HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(body), body)
    )
    time.sleep(0.3)
    program.process.terminate()
    answer = b""
    while chunk := sock.recv(10_000):
        answer += chunk
    sock.close()
    assert answer.endswith(b'{"text": "A"}')
    assert program.finish() == 0


def test_second_signal_does_not_wait(start_program):
    program = start_program("-m", "caikit.runtime", grpc={"server_shutdown_grace_period_seconds": 60})
    grpc_port = program.port("grpc")
    program.port("http")
    with grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
        method = channel.unary_unary("/caikit.runtime.ServedLib.ServedLibService/WordsTaskPredict")
        # text: "a", spin: 60
        body = b"\x0a\x01a\x11" + b"\x00\x00\x00\x00\x00\x00\x4e\x40"
        running = method.future(body, metadata=[("mm-model-id", "words")])
        time.sleep(0.5)
        program.process.terminate()
        program.read_until("received interrupt signal")
        time.sleep(0.3)
        assert program.process.poll() is None
        program.process.terminate()
        assert program.finish() == 0
        with pytest.raises(grpc.RpcError):
            running.result(5)


def test_worker_that_is_stuck_does_not_keep_the_process(start_program):
    program = start_program(
        "-m", "caikit.runtime.http_server", http={"server_shutdown_grace_period_seconds": 0.2}
    )
    port = program.port("http")
    with pytest.raises(requests.Timeout):
        requests.post(
            f"http://127.0.0.1:{port}/api/v1/task/words",
            json={"model_id": "words", "inputs": "a", "parameters": {"sleep": 60}},
            timeout=0.5,
        )
    program.process.terminate()
    assert program.finish() == 0


def test_main_thread_with_work_of_its_own_is_ended_by_the_signal(start_program):
    code = (
        "import time\n"
        "from caikit.runtime.grpc_server import RuntimeGRPCServer\n"
        "with RuntimeGRPCServer() as server:\n"
        "    print('up', flush=True)\n"
        "    time.sleep(60)\n"
    )
    program = start_program("-c", code)
    program.read_until("up")
    program.process.terminate()
    assert program.finish() == 128 + signal.SIGTERM


@pytest.mark.parametrize(("transport", "needed"), [("standard", "uvicorn"), ("native", "httptools")])
def test_missing_extra_is_explained(start_program, monkeypatch, transport, needed):
    monkeypatch.delenv("RUNTIME_TRANSPORT", raising=False)
    code = f"import sys, runpy; sys.modules['{needed}'] = None; runpy.run_module('caikit.runtime', run_name='__main__')"
    program = start_program("-c", code, grpc={"enabled": False}, transport=transport)
    assert program.finish() == 1
    output = "".join(program.output)
    assert "<RUN76169927E>" in output
    assert "caikit[runtime-http]" in output


def test_nothing_to_serve(start_program):
    program = start_program("-m", "caikit.runtime", grpc={"enabled": False}, http={"enabled": False})
    assert program.finish() == 1
    assert "Nothing to serve" in "".join(program.output)


def test_arguments_that_nobody_knows_are_refused():
    command = [sys.executable, "-m", "caikit.runtime", "--port=1"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == 2
    assert "unrecognized arguments: --port=1" in result.stderr


@pytest.mark.parametrize(
    ("library", "cause"),
    [
        (None, "there is no module of that name (No module named 'asked_library')"),
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("known = 1\nunknown_name", "NameError: name 'unknown_name' is not defined"),
    ],
)
@pytest.mark.parametrize("program_name", ["caikit.runtime", "caikit.runtime.http_server"])
def test_library_that_cannot_be_imported(start_program, tmp_path, program_name, library, cause):
    if library is not None:
        (tmp_path / "asked_library.py").write_text(library)
    program = start_program("-m", program_name, library="asked_library")
    assert program.finish() == 1
    output = "".join(program.output)
    assert f"Library 'asked_library' (runtime.library) cannot be served: {cause}" in output
    assert "Traceback" not in output
