"""WebSockets of whole servers: who may call, over TLS, and what is seen of it."""

from __future__ import annotations

import contextlib
import json
import logging
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import talking_lib
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_socket

from caikit.runtime._serving.metrics import PROCESS_METRICS
from caikit.runtime.http_server import RuntimeHTTPServer

CERTS = Path(__file__).parents[1] / "servers" / "certs"
KEY = "a-key-for-inference"
BOTH_WAYS = "/api/v1/task/bidi-streaming-talking"
ONE_WAY = "/api/v1/task/client-streaming-talking"


@pytest.fixture
def serve(
    tmp_path: Path, temp_config: Callable[[dict[str, Any]], None]
) -> Iterator[Callable[..., RuntimeHTTPServer]]:
    """Starts a server; keyword arguments go to the section `runtime`."""
    model = tmp_path / "models" / "talker"
    model.mkdir(parents=True)
    (model / "config.yml").write_text(f"module_id: {talking_lib.Talker.MODULE_ID}\n")
    with contextlib.ExitStack() as stack:

        def start(**runtime: Any) -> RuntimeHTTPServer:
            settings: dict[str, Any] = {
                "library": "talking_lib",
                "local_models_dir": str(tmp_path / "models"),
                "lazy_load_write_detection_period_seconds": 0,
                "http": {"port": 0, "host": "127.0.0.1", **runtime.pop("http", {})},
                "metrics": {"port": 0, "host": "127.0.0.1"},
                **runtime,
            }
            temp_config({"runtime": settings})
            return stack.enter_context(RuntimeHTTPServer())

        yield start


@contextlib.contextmanager
def connected(
    server: RuntimeHTTPServer, path: str = BOTH_WAYS, key: str | None = None, **options: Any
) -> Iterator[ClientConnection]:
    scheme = "wss" if "ssl" in options else "ws"
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    url = f"{scheme}://127.0.0.1:{server.port}{path}"
    with connect_socket(url, additional_headers=headers, close_timeout=2, **options) as client:
        yield client


def talk(client: ClientConnection, *texts: str, end: str = ".") -> tuple[list[Any], int]:
    """The answers and the code at the end."""
    first = {"model_id": "talker", "parameters": {"end": end}}
    for text in texts:
        client.send(json.dumps({**first, "inputs": text}))
        first = {}
    client.send("")
    answers = [json.loads(each) for each in client]
    return answers, client.close_code


def test_conversations_with_a_model(serve):
    server = serve()
    with connected(server) as client:
        assert talk(client, "a", "b", end="!") == ([{"text": "a!"}, {"text": "b!"}], 1000)
    with connected(server, ONE_WAY) as client:
        assert talk(client, "a", "b", end="!") == ([{"text": "a b!"}], 1000)
    with connected(server) as client:
        client.send('{"model_id": "nobody", "inputs": "a"}')
        assert json.loads(client.recv(timeout=10))["code"] == 404
        with pytest.raises(ConnectionClosed) as caught:
            client.recv(timeout=10)
        assert caught.value.rcvd.code == 4404


def test_who_may_call(serve):
    clients = {
        "app": {"key": KEY, "scopes": ["infer"]},
        "ops": {"key": "another-long-key", "scopes": ["manage"]},
    }
    server = serve(security={"enabled": True, "clients": clients})
    for key, status in ((None, 401), ("wrong", 401), ("another-long-key", 403)):
        with pytest.raises(InvalidStatus) as caught, connected(server, key=key):
            pass
        response = caught.value.response
        assert response.status_code == status
        assert json.loads(response.body)["code"] == status
        assert "www-authenticate" in response.headers
    with connected(server, key=KEY) as client:
        assert talk(client, "a") == ([{"text": "a."}], 1000)


def test_callers_known_by_their_certificate(serve):
    names = {name: {"certificate": name, "scopes": ["infer"]} for name in ("localhost", "127.0.0.1")}
    server = serve(
        tls={
            "server": {"key": str(CERTS / "server.key"), "cert": str(CERTS / "server.pem")},
            "client": {"cert": str(CERTS / "ca.pem")},
        },
        security={"enabled": True, "clients": names},
    )
    context = ssl.create_default_context(cafile=str(CERTS / "ca.pem"))
    context.load_cert_chain(CERTS / "client.pem", CERTS / "client.key")
    with connected(server, ssl=context) as client:
        assert talk(client, "a") == ([{"text": "a."}], 1000)


def test_limits_of_the_configuration(serve):
    server = serve(http={"max_body_size": 10_000, "server_config": {"limit_concurrency": 2}})
    with connected(server) as client:
        with pytest.raises(InvalidStatus) as caught, connected(server), connected(server):
            pass
        assert caught.value.response.status_code == 503
        with contextlib.suppress(ConnectionClosed):
            client.send("x" * 20_000)
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=10)
        assert closed.value.rcvd.code == 1009


def metric(line: str) -> float:
    text = requests.get(f"http://127.0.0.1:{PROCESS_METRICS.port}/metrics", timeout=5).text
    return sum(float(each.rpartition(" ")[2]) for each in text.splitlines() if each.startswith(line))


def test_what_is_seen(serve, caplog):
    caplog.set_level(logging.DEBUG, "ACCESS")
    server = serve()
    count = "predict_rpc_count_total"
    running = 'caikit_requests_running{protocol="http"}'
    before = metric(count)
    with connected(server) as client:
        client.send('{"model_id": "talker", "inputs": "a"}')
        assert json.loads(client.recv(timeout=10)) == {"text": "a."}
        assert metric(running) == 1
    deadline = time.monotonic() + 10
    while metric(running):
        assert time.monotonic() < deadline
    assert metric(count) == before + 1
    lines = [record.msg for record in caplog.records if record.name == "ACCESS"]
    assert len(lines) == 1
    assert lines[0]["status"] in ("ABORTED", "CANCELLED")
    assert lines[0]["items"] == 1
