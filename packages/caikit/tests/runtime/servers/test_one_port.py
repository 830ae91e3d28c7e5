"""gRPC, gRPC-Web, HTTP, events and WebSockets on one port."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import ssl
import threading

import grpc
import httpx
import pytest
import served_lib
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Request, TextMessage

from caikit.runtime._serving.metrics import PROCESS_METRICS
from caikit.runtime.grpc_server import RuntimeGRPCServer
from caikit.runtime.http_server import RuntimeHTTPServer

SERVICE = "/caikit.runtime.ServedLib.ServedLibService/"
WEB = {"content-type": "application/grpc-web+proto", "mm-model-id": "words"}
STREAM = "/api/v1/task/server-streaming-words"


@contextlib.contextmanager
def both():
    """The two servers; a client for each version of HTTP."""
    with RuntimeGRPCServer() as one, RuntimeHTTPServer() as two:
        assert one.port == two.port != 0
        yield one, two


def request_bytes(text: str, *, name: str = "WordsTaskRequest", **fields) -> bytes:
    from caikit.core.data_model.base import DataBase

    return DataBase.get_class_for_name(name)(text=text, **fields).to_binary_buffer()


def web_body(text: str, **fields) -> bytes:
    message = request_bytes(text, **fields)
    return b"\0" + len(message).to_bytes(4, "big") + message


def words(text: str, **parameters) -> dict:
    return {"model_id": "words", "inputs": text, "parameters": parameters}


def check_all(url: str, channel: grpc.Channel, calls, **client_settings) -> None:
    """Everything that is served, over both versions of HTTP."""
    assert calls.unary(channel, "a").text == "A"
    stream = channel.unary_stream(SERVICE + "ServerStreamingWordsTaskPredict")
    metadata = [("mm-model-id", "words")]
    request = request_bytes("x", name="ServerStreamingWordsTaskRequest", count=4)
    assert len(list(stream(request, metadata=metadata, timeout=10))) == 4
    health = channel.unary_unary(
        "/grpc.health.v1.Health/Check", response_deserializer=health_pb2.HealthCheckResponse.FromString
    )
    assert health(b"", timeout=10).status == health_pb2.HealthCheckResponse.SERVING
    reflect = channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    question = reflection_pb2.ServerReflectionRequest(list_services="")
    assert len(next(reflect(iter([question]), timeout=10)).list_services_response.service) > 3
    for version in ({"http1": True}, {"http1": False, "http2": True}):
        with httpx.Client(base_url=url, timeout=10, **version, **client_settings) as client:
            for path in ("/health", "/livez", "/readyz"):
                assert client.get(path).text == "OK"
            answer = client.post("/api/v1/task/words", json=words("b"))
            assert answer.http_version == ("HTTP/1.1" if version["http1"] else "HTTP/2")
            assert answer.json() == {"text": "B"}
            assert client.post(STREAM, json=words("b", count=2)).text.count("event: message") == 2
            assert client.get("/openapi.json").status_code == 200
            web = client.post(SERVICE + "WordsTaskPredict", content=web_body("c"), headers=WEB)
            assert b"\n\1C" in web.content
            assert b"\x80" in web.content
            assert b"grpc-status: 0\r\n" in web.content
            assert client.get("/unknown").status_code == 404


def converse(connection: socket.socket, *texts: str) -> list[str]:
    """What is said over a WebSocket."""
    client = WSConnection(ConnectionType.CLIENT)
    path = "/api/v1/task/bidi-streaming-words"
    connection.sendall(client.send(Request(host="x", target=path)))
    said = []
    while chunk := connection.recv(65536):
        client.receive_data(chunk)
        for event in client.events():
            match event:
                case AcceptConnection():
                    for text in texts:
                        connection.sendall(
                            client.send(TextMessage(json.dumps({"model_id": "words", "inputs": text})))
                        )
                case TextMessage():
                    said.append(json.loads(event.data)["text"])
                    if len(said) == len(texts):
                        connection.sendall(client.send(CloseConnection(1000)))
    return said


def test_everything_on_one_port(configure_one_port, calls):
    configure_one_port()
    with both() as (one, two), one.make_local_channel() as channel:
        check_all(f"http://127.0.0.1:{two.port}", channel, calls)
        with socket.create_connection(("127.0.0.1", two.port), timeout=10) as connection:
            assert converse(connection, "one", "two") == ["ONE", "TWO"]


def test_everything_on_one_port_with_tls(configure_one_port, calls, certs):
    configure_one_port(tls={"server": {"key": certs.server_key, "cert": certs.server_pem}})
    context = ssl.create_default_context(cafile=certs.ca_pem)
    with both() as (one, two), one.make_local_channel() as channel:
        check_all(f"https://localhost:{two.port}", channel, calls, verify=context)
        plain = socket.create_connection(("127.0.0.1", two.port), timeout=10)
        # Without a protocol that was agreed on, the first bytes say which one it is.
        silent = ssl.create_default_context(cafile=certs.ca_pem)
        with silent.wrap_socket(plain, server_hostname="localhost") as connection:
            assert connection.selected_alpn_protocol() is None
            assert converse(connection, "one") == ["ONE"]


def test_mutual_tls(configure_one_port, calls, certs):
    server = {"key": certs.server_key, "cert": certs.server_pem}
    configure_one_port(tls={"server": server, "client": {"cert": certs.ca_pem}})
    context = ssl.create_default_context(cafile=certs.ca_pem)
    with both() as (one, two):
        url = f"https://localhost:{two.port}"
        with pytest.raises(httpx.HTTPError):
            httpx.get(url + "/health", verify=context, timeout=10)
        context.load_cert_chain(certs.client_pem, certs.client_key)
        with one.make_local_channel() as channel:
            check_all(url, channel, calls, verify=context)


def test_everything_on_the_unix_socket(configure_one_port, calls, tmp_path):
    path = tmp_path / "both.sock"
    configure_one_port(grpc={"unix_socket_path": str(path)})
    with both(), grpc.insecure_channel(f"unix:{path}") as channel:
        assert calls.unary(channel, "a").text == "A"
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), timeout=10) as client:
            assert client.post("http://x/api/v1/task/words", json=words("b")).json() == {"text": "B"}


@pytest.mark.parametrize("key", ["grpc", "older", "free"])
def test_equal_ports(configure_one_port, calls, key):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        if key != "free":
            taken.close()
        match key:
            case "grpc":
                configure_one_port(grpc={"port": port}, http={"port": port})
            case "older":
                configure_one_port(port=port, grpc={"port": 1}, http={"port": port})
            case _:
                configure_one_port(grpc={"port": port}, http={"port": port}, find_available_port=True)
        with both() as (one, two), one.make_local_channel() as channel:
            assert (one.port == port) == (key != "free")
            assert calls.unary(channel, "a").text == "A"
            assert httpx.get(f"http://127.0.0.1:{two.port}/health", timeout=10).text == "OK"


def test_the_older_port_is_that_of_grpc_alone(configure_one_port):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    configure_one_port(port=port, http={"port": 0})
    with RuntimeGRPCServer() as one, RuntimeHTTPServer() as two:
        assert one.port == port != two.port


def test_http_may_come_first(configure_one_port, calls, tmp_path):
    path = tmp_path / "late.sock"
    configure_one_port(grpc={"unix_socket_path": str(path)})
    with RuntimeHTTPServer() as two:
        url = f"http://127.0.0.1:{two.port}"
        assert httpx.get(url + "/health", timeout=10).text == "OK"
        with grpc.insecure_channel(f"127.0.0.1:{two.port}") as channel:
            with pytest.raises(grpc.RpcError) as caught:
                calls.unary(channel, "a")
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            with RuntimeGRPCServer() as one:
                assert one.port == two.port
                assert calls.unary(channel, "a").text == "A"
                with grpc.insecure_channel(f"unix:{path}") as local:
                    assert calls.unary(local, "a").text == "A"


def test_grpc_alone_until_http_comes_and_after_it_has_gone(configure_one_port, calls):
    configure_one_port()
    with RuntimeGRPCServer() as one, one.make_local_channel() as channel:
        url = f"http://127.0.0.1:{one.port}"
        with httpx.Client(base_url=url, timeout=10) as client:
            assert client.get("/health").status_code == 503
            with RuntimeHTTPServer():
                assert client.get("/health").text == "OK"
                assert calls.unary(channel, "a").text == "A"
            assert client.get("/health").status_code == 503
            assert client.post("/api/v1/task/words", json=words("b")).status_code == 503
            assert calls.unary(channel, "a").text == "A"
            web = client.post(SERVICE + "WordsTaskPredict", content=web_body("c"), headers=WEB)
            assert b"\n\1C" in web.content


def test_http_finishes_what_runs_while_grpc_goes_on(configure_one_port, calls, wait_until):
    configure_one_port()
    with RuntimeGRPCServer() as one, one.make_local_channel() as channel:
        two = RuntimeHTTPServer()
        two.start(blocking=False)
        url = f"http://127.0.0.1:{two.port}"
        answers = []

        def call(text, spin):
            answers.append(httpx.post(url + "/api/v1/task/words", json=words(text, spin=spin), timeout=20))

        finished = threading.Thread(target=call, args=("finished", 0.7))
        cancelled = threading.Thread(target=call, args=("cancelled", 60.0))
        for thread in (finished, cancelled):
            thread.start()
        wait_until(lambda: {"finished", "cancelled"} <= set(served_lib.running))
        two.stop(2.0)
        for thread in (finished, cancelled):
            thread.join(10)
        assert sorted(answer.status_code for answer in answers) == [200, 503]
        assert calls.unary(channel, "a").text == "A"


def test_a_stop_of_both_says_so_to_everybody(configure_one_port, calls, wait_until):
    configure_one_port()
    one, two = RuntimeGRPCServer(), RuntimeHTTPServer()
    for server in (one, two):
        server.start(blocking=False)
    url = f"http://127.0.0.1:{two.port}"
    results = []

    def call_http():
        answer = httpx.post(url + "/api/v1/task/words", json=words("over-http", spin=0.7), timeout=20)
        results.append((answer.json()["text"], answer.headers.get("connection")))

    def call_web():
        body = web_body("over-web", spin=0.7)
        answer = httpx.post(url + SERVICE + "WordsTaskPredict", content=body, headers=WEB, timeout=20)
        results.append((answer.content[7:15].decode(), answer.headers.get("connection")))

    with one.make_local_channel() as channel:
        call = calls.unary(channel, "over-grpc", future=True, spin=0.7)
        threads = [threading.Thread(target=each) for each in (call_http, call_web)]
        for thread in threads:
            thread.start()
        wait_until(lambda: {"over-grpc", "over-http", "over-web"} <= set(served_lib.running))
        for server in (one, two):
            server.interrupt(signal.SIGTERM, None)
        assert call.result(timeout=10).text == "OVER-GRPC"
        for thread in threads:
            thread.join(10)
        assert sorted(results) == [("OVER-HTTP", "close"), ("OVER-WEB", "close")]
        assert one.wait(10)
        assert two.wait(10)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", one.port), timeout=5).close()


def test_calls_are_counted_once_whatever_brought_them(configure_one_port, calls):
    configure_one_port()

    def count():
        text = httpx.get(f"http://127.0.0.1:{PROCESS_METRICS.port}/metrics", timeout=10).text
        name = 'predict_rpc_count_total{code="OK",grpc_request="WordsTaskRequest",model_id="words"} '
        return sum(float(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name))

    with both() as (one, two), one.make_local_channel() as channel:
        before = count()
        url = f"http://127.0.0.1:{two.port}"
        calls.unary(channel, "a")
        httpx.post(url + "/api/v1/task/words", json=words("b"), timeout=10)
        httpx.post(url + SERVICE + "WordsTaskPredict", content=web_body("c"), headers=WEB, timeout=10)
        assert count() - before == 3


def test_access_is_that_of_grpc(configure_one_port):
    configure_one_port(security={"enabled": True, "clients": {"me": {"key": "k" * 32, "scopes": ["infer"]}}})
    with both() as (_, two):
        url = f"http://127.0.0.1:{two.port}{SERVICE}WordsTaskPredict"
        refused = httpx.post(url, content=web_body("c"), headers=WEB, timeout=10)
        assert refused.headers["grpc-status"] == str(grpc.StatusCode.UNAUTHENTICATED.value[0])
        known = {**WEB, "authorization": f"Bearer {'k' * 32}"}
        assert b"grpc-status: 0" in httpx.post(url, content=web_body("c"), headers=known, timeout=10).content


@pytest.mark.parametrize("by_environment", [False, True])
def test_pages_from_elsewhere_are_configured(configure_one_port, monkeypatch, by_environment):
    origins = "https://a.example, https://b.example"
    if by_environment:
        monkeypatch.setenv("RUNTIME_GRPC_WEB_ORIGINS", origins)
    configure_one_port(grpc={} if by_environment else {"web_origins": origins})
    with both() as (_, two):
        url = f"http://127.0.0.1:{two.port}{SERVICE}WordsTaskPredict"
        for origin in ("https://a.example", "https://b.example"):
            answer = httpx.post(url, content=web_body("c"), headers={**WEB, "origin": origin}, timeout=10)
            assert answer.headers["access-control-allow-origin"] == origin


def test_two_different_certificates_do_not_fit_on_one_port(configure_one_port, certs):
    configure_one_port()
    with RuntimeGRPCServer(), pytest.raises(ValueError, match="different keys and certificates"):
        RuntimeHTTPServer({"server": {"key": certs.server_key, "cert": certs.server_pem}})


def test_a_server_that_cannot_be_built_leaves_the_port(configure_one_port, calls):
    configure_one_port(http={"server_config": {"host": "x"}})
    with RuntimeGRPCServer() as one, one.make_local_channel() as channel:
        with pytest.raises(ValueError, match="RUN99488934E"):
            RuntimeHTTPServer()
        assert calls.unary(channel, "a").text == "A"
    assert not [thread for thread in threading.enumerate() if thread.name == "caikit_native"]


def test_grpc_web_on_the_port_of_grpc_alone(configure_one_port):
    configure_one_port(http={"port": 0})
    with RuntimeGRPCServer() as one:
        url = f"http://127.0.0.1:{one.port}"
        for version in ({"http1": True}, {"http1": False, "http2": True}):
            with httpx.Client(base_url=url, timeout=10, **version) as client:
                web = client.post(SERVICE + "WordsTaskPredict", content=web_body("c"), headers=WEB)
                assert b"\n\1C" in web.content
                other = client.get("/health")
                assert other.status_code == 415
                assert other.json() == {"detail": "This port speaks gRPC and gRPC-Web"}


def test_a_program_with_one_port(start_program):
    program = start_program("-m", "caikit.runtime", transport="native", http={"port": None})
    port = program.port("grpc")
    assert program.port("http") == port
    assert httpx.get(f"http://127.0.0.1:{port}/health", timeout=10).text == "OK"
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        assert channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=10) == b"\x08\1"
        program.process.send_signal(signal.SIGTERM)
        assert program.finish() == 0
    assert "Traceback" not in "".join(program.output)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (
            {"grpc": {"port": 8099}, "http": {"port": 8099}},
            "both 8099: one port for gRPC and HTTP needs runtime.transport: native; else give them two ports",
        ),
        (
            {"port": 8099, "http": {"port": 8099}},
            "runtime.port and runtime.http.port are both 8099: one port for gRPC and HTTP needs",
        ),
        ({"http": {"port": None}}, "runtime.http.port is null: one port for gRPC and HTTP needs"),
        (
            {"http": {"port": None, "host": "127.0.0.2"}, "transport": "native"},
            "runtime.grpc.host and runtime.http.host differ, but runtime.http.port is null",
        ),
    ],
)
def test_ports_that_cannot_be_shared(start_program, monkeypatch, settings, reason):
    monkeypatch.delenv("RUNTIME_TRANSPORT", raising=False)
    program = start_program("-m", "caikit.runtime", **{"transport": "standard", **settings})
    assert program.finish() == 1
    assert reason in "".join(program.output)
