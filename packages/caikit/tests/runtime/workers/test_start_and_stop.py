"""Workers come together, share ports, and go together."""

from __future__ import annotations

import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import grpc
import pytest
import requests
from team_tools import SERVICE, is_alive, reached, until


@pytest.mark.parametrize("transport", ["standard", "native"])
def test_connections_spread_over_the_workers(serve_team, tmp_path, transport):
    team = serve_team(transport=transport)
    assert len(team.children) == 2
    assert reached(team.where, team.children)
    assert reached(team.where_grpc, team.children)
    for line in ("serving grpc on port", "serving http on port", "2 workers serve"):
        assert team.output.count(line) == 1
    assert [path.name.startswith("caikit-workers-") for path in (tmp_path / "tmp").iterdir()] == [True]
    children = team.children
    assert team.finish() == 0
    assert team.output.count("received interrupt signal 15") == 1
    assert "Traceback" not in team.output
    assert not any(map(is_alive, children))
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("formatter", ["json", "pretty"])
def test_lines_of_workers_name_their_process(serve_team, formatter, monkeypatch):
    monkeypatch.setenv("LOG_FORMATTER", formatter)
    team = serve_team()
    form = {"json": '"process": {}[,}}]', "pretty": r"\[pid {}\] "}[formatter]
    for pid in team.children:
        team.wait_for(form.format(pid))
    assert not re.search(form.format(team.process.pid), team.output)
    assert team.finish() == 0


@pytest.mark.parametrize("name", ["grpc", "http"])
def test_one_server(start_team, name):
    team = start_team("-m", f"caikit.runtime.{name}_server").wait_until_serving(name)
    assert len(team.children) == 2
    where = {"grpc": team.where_grpc, "http": team.where}[name]
    assert reached(where, team.children)
    assert team.finish(signal.SIGINT) == 0


def test_the_supervisor_is_small(serve_team):
    team = serve_team()
    maps = Path(f"/proc/{team.process.pid}/maps").read_text()
    assert not [name for name in ("cygrpc", "uvloop", "google/_upb") if name in maps]
    assert team.finish() == 0


def test_requests_that_run_are_finished(serve_team, tmp_path):
    team = serve_team()

    def call(number):
        if number % 2:
            return team.where(text=str(number), sleep=1.0, note=True)
        with grpc.insecure_channel(
            f"127.0.0.1:{team.ports['grpc']}", options=[("grpc.use_local_subchannel_pool", 1)]
        ) as channel:
            method = channel.unary_unary(f"{SERVICE}/PlaceTaskPredict")
            # text, sleep: 1.0, note: true
            body = b"\x0a\x01%d\x11\x00\x00\x00\x00\x00\x00\xf0\x3f\x18\x01" % number
            return method(body, metadata=[("mm-model-id", "place")], timeout=10)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        running = [pool.submit(call, number) for number in range(8)]
        until(lambda: len(list(tmp_path.glob("running_*"))) == 8)
        team.process.terminate()
        for each in running:
            assert each.result(10)
    assert team.finish() == 0


def test_no_request_that_was_begun_is_lost(serve_team, tmp_path):
    team = serve_team()
    answered: set[str] = set()

    def call(client):
        for number in range(1000):
            text = f"{client}-{number}"
            try:
                team.where(text=text, sleep=0.02, note=True)
            except (requests.ConnectionError, AssertionError):  # refused: the server is leaving
                return
            answered.add(text)

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        clients = [pool.submit(call, client) for client in range(6)]
        until(lambda: len(answered) > 30)
        team.process.terminate()
        for client in clients:
            client.result(20)
    begun = {path.name.removeprefix("running_") for path in tmp_path.glob("running_*")}
    assert begun == answered
    assert team.finish() == 0


def test_probes(serve_team, tmp_path):
    team = serve_team()
    ports = {f"RUNTIME_{name.upper()}_PORT": str(port) for name, port in team.ports.items()}

    def probe(*arguments):
        command = [sys.executable, "-m", "caikit_health_probe", *arguments]
        environment = {**os.environ, "CONFIG_FILES": str(tmp_path / "settings0.yml"), **ports}
        return subprocess.run(command, env=environment, timeout=20, check=False).returncode

    assert [probe() for _ in range(4)] == [0] * 4
    assert probe("liveness") == 0
    assert team.finish() == 0
    assert probe() == 1


def test_second_signal_does_not_wait(serve_team, tmp_path):
    team = serve_team(
        grpc={"server_shutdown_grace_period_seconds": 60}, http={"server_shutdown_grace_period_seconds": 60}
    )
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(team.where, text="1", sleep=50.0, note=True)
        until((tmp_path / "running_1").exists)
        team.process.terminate()
        team.wait_for("received interrupt signal")
        time.sleep(0.3)
        assert team.process.poll() is None
        assert team.finish() == 0
        with pytest.raises((requests.ConnectionError, AssertionError)):
            running.result(5)


def test_signals_that_reach_all_processes(serve_team, tmp_path):
    """A terminal or a service manager sends signals to all processes: that is one signal, not two."""
    team = serve_team(http={"server_shutdown_grace_period_seconds": 20})
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(team.where, text="1", sleep=1.0, note=True)
        until((tmp_path / "running_1").exists)
        for pid in (*team.children, team.process.pid):
            os.kill(pid, signal.SIGINT)
            os.kill(pid, signal.SIGTERM) if pid != team.process.pid else None
        assert running.result(10)
    assert team.finish() == 0


def test_workers_do_not_survive_the_supervisor(serve_team):
    team = serve_team()
    children = team.children
    team.process.kill()
    team.process.wait(5)
    until(lambda: not any(map(is_alive, children)), seconds=5)


def test_unix_socket_for_all(serve_team, tmp_path):
    path = tmp_path / "mesh" / "grpc.sock"
    path.parent.mkdir()
    team = serve_team(grpc={"unix_socket_path": str(path)})
    assert f"unix socket {path}" in team.output
    assert reached(lambda: team.where_grpc(f"unix:{path}"), team.children)
    # The connections of one that dies end; new ones go to those who serve.
    victim = min(team.children)
    os.kill(victim, signal.SIGKILL)
    team.wait_for(r"<RUN61240106E>")
    assert team.where_grpc(f"unix:{path}") != victim
    assert team.finish() == 0
    assert not path.exists()


def test_tls(start_team, certs):
    tls = {"server": {"key": certs.server_key, "cert": certs.server_pem}}
    team = start_team(tls=tls).wait_until_serving("grpc", "http")

    def where() -> int:
        answer = requests.post(
            f"https://localhost:{team.ports['http']}/api/v1/task/place",
            json={"model_id": "place", "inputs": "x"},
            verify=certs.ca_pem,
            headers={"connection": "close"},
            timeout=10,
        )
        return answer.json()["pid"]

    assert reached(where, team.children)
    credentials = grpc.ssl_channel_credentials(Path(certs.ca_pem).read_bytes())
    with grpc.secure_channel(f"localhost:{team.ports['grpc']}", credentials) as channel:
        method = channel.unary_unary(f"{SERVICE}/PlaceTaskPredict")
        assert method(b"\x0a\x01x", metadata=[("mm-model-id", "place")], timeout=10)
    assert team.finish() == 0


def test_port_of_somebody_else(serve_team, start_team):
    first = serve_team()
    for workers in (2, 1):
        second = start_team(
            "-m", "caikit.runtime.http_server", workers=workers, http={"port": first.ports["http"]}
        )
        assert second.finish(0) == 1
        assert f"Cannot listen on port {first.ports['http']} (runtime.http.port)" in second.output
    third = start_team(http={"port": first.ports["http"]}, find_available_port=True).wait_until_serving(
        "http"
    )
    assert third.ports["http"] != first.ports["http"]


def test_library_that_cannot_be_imported(start_team):
    team = start_team(library="no_such_library")
    assert team.process.wait(20) == 1
    assert team.finish() == 1
    assert "Library 'no_such_library' (runtime.library) cannot be served" in team.output
    assert "ended before it could serve: exit code 1" in team.output
    assert "Traceback" not in team.output


@pytest.mark.parametrize("workers", [-1, "many", 1.5])
def test_number_that_is_none(start_team, workers):
    team = start_team(workers=workers)
    assert team.process.wait(20) == 1
    assert team.finish() == 1
    assert (
        f"runtime.workers: expected a number of processes, or 0 for one per core, got {workers!r}"
        in team.output
    )


def test_one_worker_is_this_process(start_team):
    team = start_team(workers=1).wait_until_serving("grpc", "http")
    assert team.children == set()
    assert team.where() == team.process.pid
    assert team.finish() == 0
