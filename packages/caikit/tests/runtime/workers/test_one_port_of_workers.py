"""Workers that serve everything on one port."""

from __future__ import annotations

import pytest
import requests
from team_tools import SERVICE, reached

WEB = {"content-type": "application/grpc-web+proto", "mm-model-id": "place", "connection": "close"}


@pytest.mark.timeout(120)
def test_all_workers_serve_everything_on_one_port(start_team):
    team = start_team(transport="native", http={"port": None}).wait_until_serving("grpc", "http")
    assert team.ports["grpc"] == team.ports["http"]
    assert reached(team.where, team.children)
    assert reached(team.where_grpc, team.children)
    body = b"\0\0\0\0\3\x0a\x01x"
    url = f"http://127.0.0.1:{team.ports['http']}{SERVICE}/PlaceTaskPredict"
    answer = requests.post(url, data=body, headers=WEB, timeout=20)
    assert b"grpc-status: 0\r\n" in answer.content
    assert team.finish() == 0
    assert "Traceback" not in team.output


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ["grpc", "http"])
def test_one_server_on_the_port_of_both(start_team, name):
    command = ("-m", f"caikit.runtime.{name}_server")
    team = start_team(*command, transport="native", http={"port": None}).wait_until_serving(name)
    assert reached({"grpc": team.where_grpc, "http": team.where}[name], team.children)
    assert team.finish() == 0


@pytest.mark.timeout(120)
def test_one_port_for_workers_needs_the_native_transport(start_team):
    team = start_team(transport="standard", http={"port": None})
    team.wait_for("runtime.http.port is null: one port for gRPC and HTTP needs runtime.transport: native")
    assert team.process.wait(20) == 1
