"""Servers behind Envoy, a proxy that people put in front of them: HTTP/2 to the port of gRPC, HTTP/1.1 to the other."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import yaml

from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

ENVOY = shutil.which("envoy", path=str(Path(sys.executable).parent)) or shutil.which("envoy")
START_SECONDS = 20
EXTENSIONS = "type.googleapis.com/envoy.extensions"
SERVICE = "/caikit.runtime.GoldenLib.GoldenLibService/"

pytestmark = pytest.mark.skipif(ENVOY is None, reason="there is no envoy for this platform")


def cluster(name: str, port: int, version: str, *, tls: bool) -> dict[str, Any]:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    settings: dict[str, Any] = {
        "name": name,
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{EXTENSIONS}.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {version: {}},
            }
        },
    }
    if tls:
        settings["transport_socket"] = {
            "name": "tls",
            "typed_config": {"@type": f"{EXTENSIONS}.transport_sockets.tls.v3.UpstreamTlsContext"},
        }
    return settings


def listener(name: str) -> dict[str, Any]:
    filters = [
        {
            "name": "envoy.filters.http.grpc_web",
            "typed_config": {"@type": f"{EXTENSIONS}.filters.http.grpc_web.v3.GrpcWeb"},
        },
        {
            "name": "envoy.filters.http.router",
            "typed_config": {"@type": f"{EXTENSIONS}.filters.http.router.v3.Router"},
        },
    ]
    route = {"match": {"prefix": "/"}, "route": {"cluster": name, "timeout": "0s"}}
    manager = {
        "@type": f"{EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "http_filters": filters,
        "route_config": {"virtual_hosts": [{"name": name, "domains": ["*"], "routes": [route]}]},
    }
    return {
        "name": name,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


@pytest.fixture
def envoy(tmp_path: Path) -> Iterator[Callable[..., dict[str, int]]]:
    """Starts Envoy in front of the ports of a server; returns its own."""
    started: list[subprocess.Popen[bytes]] = []

    def start(ports: dict[str, int], *, tls: bool = False) -> dict[str, int]:
        versions = {"grpc": "http2_protocol_options", "http": "http_protocol_options"}
        resources = {
            "listeners": [listener(name) for name in versions],
            "clusters": [cluster(name, ports[name], each, tls=tls) for name, each in versions.items()],
        }
        admin = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}}
        config, where = tmp_path / "envoy.yml", tmp_path / "envoy.admin"
        config.write_text(yaml.safe_dump({"static_resources": resources, "admin": admin}))
        command = [str(ENVOY), "-c", str(config), "--disable-hot-restart", "--concurrency", "1"]
        with (tmp_path / "envoy.log").open("w") as log:
            started.append(
                subprocess.Popen(
                    [*command, "--admin-address-path", str(where)], stdout=log, stderr=log, cwd=tmp_path
                )
            )
        end = time.monotonic() + START_SECONDS
        while True:
            assert started[-1].poll() is None, (tmp_path / "envoy.log").read_text()
            assert time.monotonic() < end, (tmp_path / "envoy.log").read_text()
            found = _listening(where)
            if found.keys() == versions.keys():
                return found
            time.sleep(0.05)

    yield start
    for process in started:
        process.terminate()
        process.wait(10)


def _listening(where: Path) -> dict[str, int]:
    if not where.exists() or not where.read_text():
        return {}
    answer = requests.get(f"http://{where.read_text()}/listeners?format=json", timeout=5).json()
    return {
        each["name"]: each["local_address"]["socket_address"]["port_value"]
        for each in answer.get("listener_statuses", [])
    }


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", ["plain", "tls"])
def test_all_shapes_and_errors(
    golden: SimpleNamespace,
    servers: Callable[[str], Any],
    envoy: Callable[..., dict[str, int]],
    client: Callable[..., Any],
    kind: str,
) -> None:
    ports = envoy(servers(kind).ports, tls=kind == "tls")
    person = golden.data.Person("Ann")
    for protocol in ("grpc", "http"):
        info = {"hostname": "127.0.0.1", "port": ports[protocol], "timeout": 20}
        with client(connection=info, protocol=protocol).load("greeter") as model:
            assert model.run(person).text == "Hello Ann"
            assert [item.text for item in model.run_stream_out(person)][-1] == "Hello Ann 2"
            assert model.run_stream_in([person] * 50).text.count("Ann") == 50
            assert [item.text for item in model.run_bidi([person] * 3)] == ["Hello Ann"] * 3
            long = golden.data.Person("x" * 2_000_000)
            assert len(model.run(long).text) == 2_000_006
            for fail, code in (("value", "INVALID_ARGUMENT"), ("core:FORBIDDEN", "PERMISSION_DENIED")):
                with pytest.raises(CaikitRuntimeException) as caught:
                    model.run(person, fail=fail)
                assert caught.value.status_code.name == code
            with pytest.raises(CaikitRuntimeException) as caught:
                list(model.run_stream_out(person, fail="value"))
            assert caught.value.status_code.name == "INVALID_ARGUMENT"
            with ThreadPoolExecutor(16) as pool:
                names = [golden.data.Person(f"P{number}") for number in range(200)]
                texts = [each.text for each in pool.map(model.run, names)]
            assert texts == [f"Hello P{number}" for number in range(200)]


@pytest.mark.timeout(120)
def test_who_leaves_is_not_waited_for(
    golden: SimpleNamespace,
    start: Callable[..., Any],
    envoy: Callable[..., dict[str, int]],
    client: Callable[..., Any],
) -> None:
    ports = envoy(start(server_thread_pool_size=2).ports)
    person = golden.data.Person("Ann")
    for protocol in ("grpc", "http"):
        hurried = {"hostname": "127.0.0.1", "port": ports[protocol], "timeout": 0.3}
        model = client(connection=hurried, protocol=protocol).load("greeter")
        for _ in range(4):
            with pytest.raises(CaikitRuntimeException, match="Deadline Exceeded"):
                model.run(person, sleep=30)
        patient = {**hurried, "timeout": 10}
        assert client(connection=patient, protocol=protocol).load("greeter").run(person).text == "Hello Ann"


def test_grpc_web_that_envoy_translates(
    servers: Callable[[str], Any], envoy: Callable[..., dict[str, int]]
) -> None:
    port = envoy(servers("plain").ports)["grpc"]
    body = b"\0\0\0\0\x07\x0a\x05\x0a\x03Ann"
    headers = {"content-type": "application/grpc-web+proto", "mm-model-id": "greeter"}
    url = f"http://127.0.0.1:{port}{SERVICE}ServerStreamingGreetTaskPredict"
    answer = requests.post(url, data=body, headers=headers, timeout=20)
    assert answer.status_code == 200
    assert answer.content.count(b"Hello Ann") == 3
    assert b"grpc-status:0" in answer.content.replace(b" ", b"")
