from __future__ import annotations

import contextlib
import json
import socket
import urllib.error
import urllib.request

import pytest
from doors import GrpcDoor

from caikit.runtime._serving.metrics import PROCESS_METRICS

KEY = "a-key-for-inference"
APP = {"app": {"key": KEY, "scopes": ["infer"]}}
OPEN = {"infer": "open", "train": "open", "manage": "open", "read": "open", "interfaces": "open"}


def test_inference_stays_open(serve):
    site = serve(
        access={"infer": "open", "read": "open", "interfaces": "open"},
        clients={"ops": {"key": KEY, "scopes": ["manage", "train"]}},
    )
    assert site.infer() == "OK"
    # What is open does not look at what is sent: it may be for somebody else.
    assert site.infer("Basic for-the-module") == "OK"
    for kind in ("train", "ask_training", "list_trainings", "training_log", "manage"):
        assert site.both(kind) == "UNAUTHENTICATED"
        assert site.both(kind, f"Bearer {KEY}") in ("OK", "NOT_FOUND")
    assert site.grpc.mesh() == "UNAUTHENTICATED"
    assert site.grpc.process() == "UNAUTHENTICATED"


def test_closed_kinds_are_not_there(serve):
    site = serve(access={**OPEN, "manage": "closed", "train": "closed"})
    for kind in ("train", "ask_training", "list_trainings", "training_log", "manage"):
        assert getattr(site.grpc, kind)() == "UNIMPLEMENTED"
        assert getattr(site.http, kind)() == "NOT_FOUND"
        assert site.http.text == '{"detail": "Not Found"}'
    assert (site.grpc.mesh(), site.grpc.process()) == ("UNIMPLEMENTED", "UNIMPLEMENTED")
    assert site.infer() == "OK"
    assert site.both("interfaces") == "OK"
    paths = json.loads(site.http.text)["paths"]
    assert sorted(path for path in paths if "management" in path or "Train" in path) == []
    assert "/api/v1/task/echoing" in paths
    assert "securitySchemes" not in site.http.text


def test_closed_interfaces(serve):
    site = serve(access={"interfaces": "closed"}, clients=APP)
    for path in ("/openapi.json", "/docs", "/redoc"):
        assert site.http.request("GET", path, f"Bearer {KEY}") == "NOT_FOUND"
    assert site.grpc.interfaces(f"Bearer {KEY}") == "UNIMPLEMENTED"
    assert site.infer(f"Bearer {KEY}") == "OK"


def test_everything_can_be_closed(serve):
    site = serve(access=dict.fromkeys(OPEN, "closed") | {"metrics": "closed"})
    assert site.grpc.infer() == "UNIMPLEMENTED"
    assert site.http.infer() == "NOT_FOUND"
    assert site.both("health") == "OK"
    assert PROCESS_METRICS.port is None


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_pages_behind_a_key(serve, path):
    site = serve(access={"infer": "open"}, clients={"dev": {"key": KEY, "scopes": ["interfaces"]}})
    assert site.http.request("GET", path) == "UNAUTHENTICATED"
    assert site.http.request("GET", path, f"Bearer {KEY}") == "OK"
    assert site.grpc.interfaces() == "UNAUTHENTICATED"
    assert site.grpc.interfaces(f"Bearer {KEY}") == "OK"


def test_the_description_says_what_is_asked(serve):
    clients = {**APP, "robot": {"certificate": "robot.example", "scopes": ["all"]}}
    site = serve(access={"interfaces": "open", "read": "open"}, clients=clients)
    site.http.interfaces()
    document = json.loads(site.http.text)
    schemes = document["components"]["securitySchemes"]
    assert {name: scheme["type"] for name, scheme in schemes.items()} == {
        "bearer": "http",
        "certificate": "mutualTLS",
    }
    echo = document["paths"]["/api/v1/task/echoing"]["post"]
    assert echo["security"] == [{"bearer": []}, {"certificate": []}]
    assert "security" not in document["paths"]["/info/version"]["get"]
    assert "security" not in document["paths"]["/health"]["get"]


@pytest.mark.parametrize("path", ["/health", "/livez", "/readyz"])
def test_probes_are_open(serve, path):
    site = serve(clients=APP)
    for authorization in (None, "nonsense", ["a", "b"]):
        assert site.http.request("GET", path, authorization) == "OK"
    assert site.grpc.health("nonsense") == "OK"


def test_paths_that_look_alike(serve):
    site = serve(clients=APP)
    for path in (
        "//info/version",
        "/info/version/",
        "/info/./version",
        "/health/../info/version",
        "/INFO/VERSION",
        "/info/version;a",
        "/info%2fversion",
        "/health/info/version",
    ):
        assert site.http.request("GET", path) != "OK", path
    assert site.http.request("GET", "/info/version%00") != "OK"
    assert site.http.request("HEAD", "/info/version") != "OK"
    with socket.create_connection(("127.0.0.1", site.http.port), timeout=5) as sock:
        sock.sendall(
            b"GET /info/version HTTP/1.1\r\nhost: x\r\nx-original-url: /health\r\nx-http-method-override: GET\r\n\r\n"
        )
        assert sock.recv(1000).startswith(b"HTTP/1.1 401 ")


def get_metrics(authorization=None):
    headers = {} if authorization is None else {"authorization": authorization}
    request = urllib.request.Request(f"http://127.0.0.1:{PROCESS_METRICS.port}/metrics", headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with contextlib.closing(error):
            return error.code, error.headers.get("www-authenticate", "")


def test_metrics_are_open_unless_told_otherwise(serve):
    serve(clients=APP)
    assert get_metrics()[0] == 200


def test_metrics_behind_a_key(serve):
    serve(
        access={"metrics": "token"},
        clients={**APP, "scraper": {"key": "a-key-for-prometheus", "scopes": ["metrics"]}},
    )
    assert get_metrics() == (401, 'Bearer realm="caikit"')
    assert get_metrics("Bearer nonsense")[0] == 401
    assert get_metrics(f"Bearer {KEY}")[0] == 403
    status, text = get_metrics("Bearer a-key-for-prometheus")
    assert status == 200
    assert "process_cpu_seconds_total" in text


@pytest.mark.parametrize("trusted", [True, False])
def test_the_socket_of_the_mesh(serve, tmp_path, trusted):
    path = tmp_path / "m.sock"
    site = serve({"grpc": {"unix_socket_path": str(path)}}, clients=APP, trust_unix_socket=trusted)
    door = GrpcDoor(f"unix://{path}")
    with contextlib.closing(door.channel):
        expected = "OK" if trusted else "UNAUTHENTICATED"
        assert (door.mesh(), door.infer()) == (expected, expected)
        # Who says something wrong is not taken for the mesh.
        assert door.infer("Bearer nonsense") == "UNAUTHENTICATED"
        assert door.infer(f"Bearer {KEY}") == "OK"
    assert site.grpc.mesh() == "UNAUTHENTICATED"
