"""The probe tells what a client would find."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from concurrent import futures
from pathlib import Path

import grpc
import pytest
import yaml
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from caikit_health_probe.__main__ import liveness_probe, main, readiness_probe

CERTS = Path(__file__).parents[1] / "runtime" / "servers" / "certs"
SERVER_PAIR = {"key": str(CERTS / "server.key"), "cert": str(CERTS / "server.pem")}
TLS = {
    "plain": {},
    "tls": {"server": SERVER_PAIR},
    "mutual": {"server": SERVER_PAIR, "client": {"cert": str(CERTS / "ca.pem")}},
    "inline": {
        "server": {name: Path(path).read_text() for name, path in SERVER_PAIR.items()},
        "client": {"cert": (CERTS / "ca.pem").read_text()},
    },
}


def settings(tls, *, grpc_on=True, http_on=True, **more):
    return {
        "runtime": {
            "library": "",
            "local_models_dir": "",
            "tls": TLS[tls],
            "grpc": {
                "enabled": grpc_on,
                "port": 0,
                "host": "127.0.0.1",
                "unix_socket_path": "",
                "probe_timeout": 2,
            },
            "http": {"enabled": http_on, "port": 0, "host": "127.0.0.1", "probe_timeout": 0.01},
            "metrics": {"enabled": False},
            **more,
        }
    }


@contextlib.contextmanager
def serving(temp_config, config):
    """Both servers; the configuration names their ports."""
    from caikit.runtime.grpc_server import RuntimeGRPCServer
    from caikit.runtime.http_server import RuntimeHTTPServer

    temp_config(config)
    with RuntimeGRPCServer() as grpc_server, RuntimeHTTPServer() as http_server:
        temp_config({"runtime": {"grpc": {"port": grpc_server.port}, "http": {"port": http_server.port}}})
        yield


@pytest.mark.parametrize("tls", TLS)
@pytest.mark.parametrize(("grpc_on", "http_on"), [(True, True), (True, False), (False, True)])
def test_ready_as_long_as_the_servers_that_are_on_serve(temp_config, tls, grpc_on, http_on):
    with serving(temp_config, settings(tls, grpc_on=grpc_on, http_on=http_on)):
        assert readiness_probe()
    assert not readiness_probe()


@pytest.mark.parametrize("tls", TLS)
@pytest.mark.parametrize("given", ["null", "equal"])
def test_both_on_one_port(temp_config, tls, given):
    from caikit.runtime.grpc_server import RuntimeGRPCServer
    from caikit.runtime.http_server import RuntimeHTTPServer

    config = settings(tls, transport="native")
    config["runtime"]["http"].update(port=None, host=None)
    temp_config(config)
    with RuntimeGRPCServer() as grpc_server, RuntimeHTTPServer():
        port = grpc_server.port
        temp_config(
            {"runtime": {"grpc": {"port": port}, "http": {"port": port if given == "equal" else None}}}
        )
        assert readiness_probe()
    assert not readiness_probe()


@pytest.mark.parametrize("missing", ["grpc", "http"])
def test_one_server_that_is_down_is_enough(temp_config, missing):
    with serving(temp_config, settings("plain")), socket.create_server(("127.0.0.1", 0)) as free:
        temp_config({"runtime": {missing: {"port": free.getsockname()[1], "probe_timeout": 0.1}}})
        assert not readiness_probe()


def test_another_certificate_is_no_answer(temp_config):
    """A server that wants a certificate does not count as ready for those who have none."""
    with serving(temp_config, settings("mutual")):
        temp_config({"runtime": {"tls": {"client": {"cert": ""}}, "grpc": {"enabled": False}}})
        assert not readiness_probe()
        temp_config({"runtime": {"grpc": {"enabled": True}, "http": {"enabled": False}}})
        assert not readiness_probe()


@pytest.mark.parametrize(
    ("status", "ready"), [("SERVING", True), ("NOT_SERVING", False), ("UNKNOWN", False), (None, False)]
)
def test_the_status_of_grpc_counts(temp_config, tmp_path, status, ready):
    server = grpc.server(futures.ThreadPoolExecutor(1))
    if status is not None:
        servicer = health.HealthServicer()
        servicer.set("", health_pb2.HealthCheckResponse.ServingStatus.Value(status))
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    path = str(tmp_path / "grpc.sock")
    server.add_insecure_port(f"unix://{path}")
    server.start()
    try:
        config = settings("plain", http_on=False)
        config["runtime"]["grpc"]["port"] = port
        temp_config(config)
        assert readiness_probe() is ready
        # The port is not asked where the socket answers.
        temp_config({"runtime": {"grpc": {"unix_socket_path": path, "port": 1}}})
        assert readiness_probe() is ready
    finally:
        server.stop(None).wait(5)


def test_a_socket_that_was_left_behind(temp_config, tmp_path):
    path = tmp_path / "grpc.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with serving(temp_config, settings("plain", http_on=False)):
        temp_config({"runtime": {"grpc": {"unix_socket_path": str(path)}}})
        assert readiness_probe()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK",
        b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
        os.urandom(200),
        b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        b"\x00\x00\x07\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x02\x08\x02",
        b"\xff\xff\xff\x00\x01\x00\x00\x00\x01" + bytes(1000),
        b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + bytes(8),
    ],
)
@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_odd_answers(temp_config, answer, protocol):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer_all, args=(listener, answer), daemon=True)
        thread.start()
        config = settings("plain", grpc_on=protocol == "grpc", http_on=protocol == "http")
        config["runtime"][protocol].update(port=listener.getsockname()[1], probe_timeout=0.2)
        temp_config(config)
        good = protocol == "http" and answer.startswith(b"HTTP/1.1 200")
        assert readiness_probe() is good
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def answer_all(listener, answer):
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, contextlib.suppress(OSError):
            connection.recv(1000)
            connection.sendall(answer)


def test_a_busy_server_gets_more_time(temp_config):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_late():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    time.sleep(0.05)
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK")

        thread = threading.Thread(target=answer_late, daemon=True)
        thread.start()
        config = settings("plain", grpc_on=False)
        config["runtime"]["http"]["port"] = listener.getsockname()[1]
        temp_config(config)
        assert readiness_probe()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 0),
        (["readiness"], 0),
        (["--help"], 0),
        (["aliveness"], 1),
        (["liveness", "a", "b"], 1),
        (["readiness", "x"], 1),
    ],
)
def test_exit_codes(temp_config, capsys, arguments, code):
    with serving(temp_config, settings("plain")), pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == code
    assert ("usage:" in capsys.readouterr().err) is (code == 1)


def test_the_command_needs_neither_the_runtime_nor_a_grpc_library(tmp_path):
    config = tmp_path / "config.yml"
    config.write_text(yaml.safe_dump(settings("plain")))
    script = (
        "import sys\n"
        "from caikit_health_probe.__main__ import main\n"
        "try: main(['readiness'])\n"
        "except SystemExit as end: print(end.code)\n"
        "print(sorted({'grpc', 'google.protobuf', 'caikit.runtime', 'caikit.core.modules'} & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "CONFIG_FILES": str(config)},
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    assert done.stdout.split("\n")[-3:] == ["1", "[]", ""]


@contextlib.contextmanager
def process(*arguments):
    started = subprocess.Popen([sys.executable, *arguments])
    try:
        yield
    finally:
        started.kill()
        started.wait(10)


def test_alive_is_who_has_the_identifier_in_an_argument(tmp_path):
    name = f"serve_{uuid.uuid4().hex}.py"
    script = tmp_path / name
    script.write_text("import time\ntime.sleep(30)\n")
    assert not liveness_probe(name)
    with process(str(script)):
        wait_until(lambda: liveness_probe(name))
    assert not liveness_probe(name)


@pytest.mark.parametrize(
    ("arguments", "alive"),
    [
        (["-m", "caikit.runtime"], True),
        (["-W", "error", "-m", "caikit.runtime.grpc_server"], True),
        (["-u", "-mcaikit.runtime.http_server"], True),
        (["/opt/bin/caikit-runtime"], True),
        (["-m", "caikit.runtime.dump_services", "out"], False),
        (["-m", "pytest", "caikit.runtime"], False),
        (["-c", "caikit.runtime"], False),
        (["script.py", "-m", "caikit.runtime"], False),
        ([], False),
    ],
)
def test_alive_by_default_is_who_starts_a_server(arguments, alive):
    from caikit_health_probe._processes import _is_server

    assert _is_server(["python", *arguments]) is alive


def test_a_running_server_is_alive(tmp_path):
    config = tmp_path / "config.yml"
    config.write_text(yaml.safe_dump(settings("plain")))
    environment = {**os.environ, "CONFIG_FILES": str(config)}
    server = subprocess.Popen([sys.executable, "-m", "caikit.runtime"], env=environment, cwd=tmp_path)
    try:
        wait_until(liveness_probe)
    finally:
        server.terminate()
        server.wait(20)


def wait_until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
