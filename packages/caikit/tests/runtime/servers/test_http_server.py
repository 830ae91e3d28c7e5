from __future__ import annotations

import random
import socket
import ssl

import httpx
import pytest
import requests
import served_lib

from caikit.runtime import http_server
from caikit.runtime.http_server import RuntimeHTTPServer
from caikit.runtime.http_server.http_server import StreamEventTypes


def post(server: RuntimeHTTPServer, text: str, task: str = "words", **parameters) -> requests.Response:
    body = {"model_id": "words", "inputs": text, "parameters": parameters}
    return requests.post(f"http://127.0.0.1:{server.port}/api/v1/task/{task}", json=body, timeout=10)


def connect(server: RuntimeHTTPServer, body: bytes, task: str = "words") -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    head = (
        f"POST /api/v1/task/{task} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    sock.sendall(head.encode() + body)
    return sock


def test_calls(configure):
    configure()
    with RuntimeHTTPServer() as server:
        response = post(server, "hello")
        assert (response.status_code, response.text) == (200, '{"text": "HELLO"}')
        assert response.headers["server"] in ("uvicorn", "caikit")
        assert post(server, "context").json() == {"text": "Request"}
        assert post(server, "fail").status_code == 400
        stream = post(server, "a", task="server-streaming-words", count=1)
        assert stream.text == 'event: message\r\ndata: {"text": "a 0"}\r\n\r\n'
        base = f"http://127.0.0.1:{server.port}"
        assert requests.get(f"{base}{http_server.HEALTH_ENDPOINT}", timeout=5).text == "OK"
        models = requests.get(f"{base}{http_server.MODELS_INFO_ENDPOINT}", timeout=5).json()["models"]
        assert [model["name"] for model in models] == ["words"]
        document = requests.get(f"{base}/openapi.json", timeout=5).json()
        assert document["info"]["title"] == "ServedLib"
        assert "/api/v1/task/words" in document["paths"]
        assert "words" in requests.get(f"{base}/docs", timeout=5).text
    assert StreamEventTypes.ERROR.value == "error"


def test_the_log_says_where_it_listens(configure, caplog):
    configure()
    with caplog.at_level("INFO"), RuntimeHTTPServer() as server:
        records = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
        said = [each["message"] % each["args"] for each in records if each["log_code"] == "<RUN10001004I>"]
        assert said == [f"Listening on http://127.0.0.1:{server.port}"]


async def test_app_works_without_a_socket(configure):
    configure()
    server = RuntimeHTTPServer()
    transport = httpx.ASGITransport(server.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.post("/api/v1/task/words", json={"model_id": "words", "inputs": "a"})
    server.stop()
    assert response.json() == {"text": "A"}


def test_route_prefix(configure):
    configure(http={"route_prefix": ""})
    with RuntimeHTTPServer() as server:
        body = {"model_id": "words", "inputs": "a"}
        url = f"http://127.0.0.1:{server.port}/task/words"
        assert requests.post(url, json=body, timeout=5).json() == {"text": "A"}


def test_call_of_a_client_that_left_is_interrupted(configure, wait_until):
    configure()
    before = len(served_lib.interrupted)
    with RuntimeHTTPServer() as server:
        body = b'{"model_id": "words", "inputs": "http-gone", "parameters": {"spin": 30}}'
        sock = connect(server, body)
        wait_until(lambda: "http-gone" in served_lib.running)
        sock.close()
        wait_until(lambda: "http-gone" not in served_lib.running)
    assert served_lib.interrupted[before:] == ["AbortedException"]


def test_streams_of_clients_that_left_leave_nothing_behind(configure, wait_until):
    configure(server_thread_pool_size=3)
    with RuntimeHTTPServer() as server:
        body = b'{"model_id": "words", "inputs": "http-endless", "parameters": {"count": 1000000000}}'
        for _ in range(30):
            sock = connect(server, body, "server-streaming-words")
            assert sock.recv(100)
            sock.close()
        wait_until(lambda: "http-endless" not in served_lib.running)
        assert post(server, "next").json() == {"text": "NEXT"}


def test_garbage_is_refused_and_the_server_goes_on(configure):
    configure(http={"max_body_size": 100_000})
    noise = random.Random(5)
    with RuntimeHTTPServer() as server:
        base = f"http://127.0.0.1:{server.port}"
        url = f"{base}/api/v1/task/words"
        types = ["application/json", "multipart/form-data; boundary=x", "text/plain", "", "\xff"]
        for type_ in types:
            for size in (0, 1, 100, 10_000):
                response = requests.post(
                    url, data=noise.randbytes(size), headers={"content-type": type_}, timeout=5
                )
                assert 400 <= response.status_code < 500, response.text
        assert requests.post(url, data=b"x" * 200_000, timeout=5).status_code in (413, 415)
        for path in ("/", "/api/v1/task/%00", "/api/v1/task/words/../../x", "/%ff%fe"):
            assert requests.post(f"{base}{path}", timeout=5).status_code == 404
        response = requests.post(url, json={"model_id": "../x", "inputs": "a"}, timeout=5)
        assert response.status_code in (400, 404)
        assert post(server, "still here").json() == {"text": "STILL HERE"}


def test_body_limit(configure):
    configure(http={"max_body_size": 1000})
    with RuntimeHTTPServer() as server:
        sock = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        sock.sendall(
            b"POST /api/v1/task/words HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"content-length: 104857600\r\n\r\n"
        )
        answer = sock.recv(10_000)
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"runtime.http.max_body_size" in answer
        sock.close()


@pytest.mark.parametrize(
    ("extra", "code"),
    [({"host": "x"}, "<RUN99488934E>"), ({"timeout_graceful_shutdown": 3}, "<RUN99488934E>")],
)
def test_settings_that_are_ours(configure, extra, code):
    configure(http={"server_config": extra})
    with pytest.raises(ValueError, match=code):
        RuntimeHTTPServer()


def test_tls_settings_that_are_ours(configure, certs):
    configure(
        http={"server_config": {"ssl_keyfile": "x"}},
        tls={"server": {"key": certs.server_key, "cert": certs.server_pem}},
    )
    with pytest.raises(ValueError, match="<RUN30233180E>"):
        RuntimeHTTPServer()


def test_concurrency_limit(configure, wait_until):
    configure(http={"server_config": {"limit_concurrency": 2}})
    with RuntimeHTTPServer() as server:
        body = b'{"model_id": "words", "inputs": "limited", "parameters": {"spin": 30}}'
        sock = connect(server, body)
        wait_until(lambda: "limited" in served_lib.running)
        response = post(server, "a")
        assert (response.status_code, response.text) == (503, "Service Unavailable")
        for path in ("/health", "/livez", "/readyz?verbose"):
            assert requests.get(f"http://127.0.0.1:{server.port}{path}", timeout=5).text == "OK"
        assert post(server, "a").status_code == 503
        sock.close()


def test_limits_of_the_configuration(configure):
    configure(request_read_seconds=0.3)
    with RuntimeHTTPServer() as server:
        sock = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        sock.sendall(b"POST /api/v1/task/words HTTP/1.1\r\n")
        answer = sock.recv(10_000)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"runtime.request_read_seconds" in answer
        sock.close()


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize("mutual", [True, False])
def test_tls(configure, certs, inline, mutual):
    def give(path):
        if not inline:
            return path
        with open(path) as file:
            return file.read()

    tls = {"server": {"key": give(certs.server_key), "cert": give(certs.server_pem)}}
    if mutual:
        tls["client"] = {"cert": give(certs.ca_pem)}
    configure(tls=tls)
    pair = (certs.client_pem, certs.client_key) if mutual else None
    with RuntimeHTTPServer() as server:
        url = f"https://localhost:{server.port}/health"
        assert requests.get(url, verify=certs.ca_pem, cert=pair, timeout=5).text == "OK"
        with pytest.raises(requests.RequestException):
            requests.get(f"http://localhost:{server.port}/health", timeout=5)
        if mutual:
            with pytest.raises((requests.RequestException, ssl.SSLError)):
                requests.get(url, verify=certs.ca_pem, timeout=5)


def test_ports(configure):
    configure()
    with RuntimeHTTPServer() as first:
        configure(http={"port": first.port}, find_available_port=True)
        with RuntimeHTTPServer() as second:
            assert second.port not in (0, first.port)
            assert post(second, "a").json() == {"text": "A"}
        configure(http={"port": first.port}, find_available_port=False)
        with pytest.raises(OSError, match=r"runtime\.http\.port"):
            RuntimeHTTPServer()


def test_silent_stream_of_a_client_that_left_is_interrupted(configure, wait_until):
    configure()
    with RuntimeHTTPServer() as server:
        body = b'{"model_id": "words", "inputs": "http-silent", "parameters": {"spin": 30}}'
        sock = connect(server, body, "server-streaming-words")
        wait_until(lambda: "http-silent" in served_lib.running)
        sock.close()
        wait_until(lambda: "http-silent" not in served_lib.running)
