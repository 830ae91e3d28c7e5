"""Finding models: configured ones, discovered ones, and servers that are not there."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import aconfig
import pytest

import caikit
from caikit.interfaces.common.data_model import ConnectionInfo
from caikit.interfaces.runtime.data_model import ModelInfo, ModelInfoResponse
from caikit.runtime.client import RemoteModelFinder, RemoteModuleConfig
from caikit.runtime.client.remote_model_finder import ModuleConnectionInfo
from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

Client = Callable[..., Any]
PROTOCOLS = ["grpc", "http"]


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Models:
    """A server over HTTP that tells what models it has; counts how often it is asked."""

    def __init__(self, fake: SimpleNamespace, module_id: str, *names: str, pause: float = 0.0) -> None:
        self.names, self.module_id, self.pause = list(names), module_id, pause
        self.fails = False
        self._fake = fake
        self._server = fake.serve(self._answer)

    def _answer(self, sock: socket.socket, request: bytes) -> None:
        time.sleep(self.pause)
        if self.fails:
            sock.sendall(self._fake.answer(500, b"{}"))
            return
        infos = [ModelInfo(name=name, module_id=self.module_id, loaded=True) for name in self.names]
        sock.sendall(self._fake.answer(200, ModelInfoResponse(models=infos).to_json().encode()))

    @property
    def asked(self) -> int:
        return len(self._server.requests)

    @property
    def requests(self) -> list[bytes]:
        found: list[bytes] = self._server.requests
        return found

    @property
    def connection(self) -> dict[str, Any]:
        return {"hostname": "127.0.0.1", "port": self._server.port, "timeout": 5}


@pytest.fixture
def serve_models(fake: SimpleNamespace, module_id: str) -> Callable[..., Models]:
    return lambda *names, pause=0.0, module=module_id: Models(fake, module, *names, pause=pause)


@pytest.fixture
def black_hole() -> Iterator[dict[str, Any]]:
    """The connection to a server that accepts and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield {"hostname": "127.0.0.1", "port": listener.getsockname()[1], "timeout": 60}


@pytest.fixture
def nobody() -> dict[str, Any]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return {"hostname": "127.0.0.1", "port": listener.getsockname()[1], "timeout": 5}


def wait_until(condition: Callable[[], Any], seconds: float = 3.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_running_server(
    client: Client, servers: Callable[[str], Any], module_id: str, protocol: str
) -> None:
    finder = client(connection=servers("plain").connection(protocol), protocol=protocol).finder()
    config = finder.find_model("greeter")
    assert isinstance(config, RemoteModuleConfig)
    assert config.module_id == f"{module_id}-remote"
    assert (config.protocol, config.model_path, config.model_key) == (protocol, "greeter", "mm-model-id")
    assert {"greeter", "polite", "multi"} <= set(finder._supported_models)
    assert finder._supported_models["greeter"].module_id == module_id
    assert isinstance(finder._supported_models["greeter"].conn, ConnectionInfo)


def test_nothing_is_asked_before_a_model_is_looked_for(
    client: Client, serve_models: Callable[..., Models]
) -> None:
    server = serve_models("a")
    finder = client(connection=server.connection, protocol="http").finder()
    assert server.asked == 0
    assert finder.find_model("a") is not None
    assert server.asked == 1


def test_a_miss_leads_to_one_round_in_the_poll_time(
    client: Client, serve_models: Callable[..., Models]
) -> None:
    server = serve_models("a")
    finder = client(connection=server.connection, protocol="http", min_poll_time=0.4).finder()
    assert [finder.find_model(name) for name in ("b", "b", "c")] == [None] * 3
    assert server.asked == 1
    server.names.append("b")
    time.sleep(0.4)
    assert finder.find_model("b") is not None
    assert server.asked == 2


def test_what_a_server_has_instead_is_in_the_log(
    client: Client, serve_models: Callable[..., Models], caplog: pytest.LogCaptureFixture
) -> None:
    server = serve_models("a", "b")
    with pytest.raises(ValueError, match=r"Unable to find a ModuleConfig for nope$"):
        client(connection=server.connection, protocol="http").load("nope")
    (told,) = [record.msg for record in caplog.records if "<COR72281558W>" in record.getMessage()]
    sentence = told["message"] % told["args"]
    assert sentence.endswith(f"127.0.0.1:{server.connection['port']} has no model 'nope'; it has a, b")


def test_unknown_models(client: Client, serve_models: Callable[..., Models]) -> None:
    with pytest.raises(ValueError, match="value check failed: Unable to find a ModuleConfig for nope"):
        client(connection=serve_models("a").connection, protocol="http").load("nope")
    foreign = client(connection=serve_models("a", module="foreign").connection, protocol="http")
    with pytest.raises(KeyError, match="Unknown module reference foreign"):
        foreign.load("a")


def test_static_models_stay(client: Client, serve_models: Callable[..., Models], module_id: str) -> None:
    server = serve_models("b")
    finder = client(
        connection=server.connection, protocol="http", supported_models={"a": module_id}, min_poll_time=0
    ).finder()
    assert server.asked == 0
    assert finder.find_model("b") is not None
    server.fails = True
    with pytest.raises(ValueError, match="Unable to find a ModuleConfig for c"):
        finder.find_model("c")
    assert finder.find_model("a") is not None
    assert finder.find_model("b") is not None


def test_models_that_a_server_has_no_more_are_forgotten(
    client: Client, serve_models: Callable[..., Models]
) -> None:
    server = serve_models("a", "b")
    finder = client(connection=server.connection, protocol="http", min_poll_time=0).finder()
    assert finder.find_model("b") is not None
    server.names.remove("b")
    assert finder.find_model("c") is None
    assert finder.find_model("b") is None
    assert finder.find_model("a") is not None


def test_known_models_are_checked_in_the_background(
    client: Client, serve_models: Callable[..., Models]
) -> None:
    server = serve_models("a", pause=0.2)
    finder = client(connection=server.connection, protocol="http", min_poll_time=0.01).finder()
    finder.find_model("a")
    server.names.append("b")
    time.sleep(0.02)
    start = time.monotonic()
    assert finder.find_model("a") is not None
    assert time.monotonic() - start < 0.1
    wait_until(lambda: "b" in finder._supported_models)


def test_without_discovery(client: Client, serve_models: Callable[..., Models], module_id: str) -> None:
    server = serve_models("b")
    finder = client(
        connection=server.connection,
        protocol="http",
        supported_models={"a": module_id},
        discover_models=False,
    ).finder()
    assert finder.find_model("a") is not None
    assert finder.find_model("b") is None
    assert server.asked == 0


def test_the_first_server_wins(client: Client, serve_models: Callable[..., Models]) -> None:
    first, second = serve_models("a"), serve_models("a", "b")
    finder = client(
        connection=first.connection, remote_connections=[second.connection], protocol="http"
    ).finder()
    assert finder.find_model("c") is None
    assert finder.find_model("b") is not None
    config = finder.find_model("a")
    assert config is not None
    assert config.connection.port == first.connection["port"]


def test_dead_servers_do_not_block_the_others(
    client: Client,
    servers: Callable[[str], Any],
    black_hole: dict[str, Any],
    nobody: dict[str, Any],
    protocol: str,
) -> None:
    living = servers("plain").connection(protocol)
    manager = client(remote_connections=[black_hole, nobody, living], protocol=protocol)
    start = time.monotonic()
    assert manager.load("greeter") is not None
    assert time.monotonic() - start < 1.5


def test_loading_tells_why_no_model_was_found(
    client: Client,
    servers: Callable[[str], Any],
    serve_models: Callable[..., Models],
    nobody: dict[str, Any],
    certs: Callable[[str], str],
    fake: SimpleNamespace,
    protocol: str,
) -> None:
    """The text has the reason of each server that did not answer, and the cause is the first one."""
    port = servers("tls").ports[protocol]
    wrong_authority = {
        "hostname": "localhost",
        "port": port,
        "tls": {"enabled": True, "ca_file": certs("client.pem")},
    }
    no_file = {"hostname": "localhost", "port": port, "tls": {"enabled": True, "ca_file": "/no/such/ca"}}
    cases: list[tuple[dict[str, Any], type[Exception], str]] = [
        (nobody, CaikitRuntimeException, f"127.0.0.1:{nobody['port']}: UNAVAILABLE: .*refused"),
        (wrong_authority, CaikitRuntimeException, "UNAVAILABLE: .*(CERTIFICATE_VERIFY_FAILED|certificate verify failed)"),
        (no_file, FileNotFoundError, "FileNotFoundError: Unable to find TLS CA File /no/such/ca"),
    ]  # fmt: skip
    if protocol == "http":
        answer = fake.answer(401, b'{"details": "no token", "code": 401, "id": "f00"}')
        guarded = {"hostname": "127.0.0.1", "port": fake.serve(lambda sock, _: sock.sendall(answer)).port}
        cases.append((guarded, CaikitRuntimeException, "UNAUTHENTICATED: no token"))
        # A server that did answer says nothing about the others.
        both = {"remote_connections": [serve_models("a").connection, guarded]}
        with pytest.raises(
            ValueError, match=r"for nope: http://127.0.0.1:[0-9]+: UNAUTHENTICATED: no token$"
        ):
            client(**both, protocol=protocol).load("nope")
    for connection, kind, text in cases:
        manager = client(connection={"timeout": 5, **connection}, protocol=protocol)
        for _ in range(2):
            expected = f"value check failed: Unable to find a ModuleConfig for nope: .*{text}"
            with pytest.raises(ValueError, match=expected) as caught:
                manager.load("nope")
            assert isinstance(caught.value.__cause__, kind)


def test_an_answer_that_comes_late_is_remembered(client: Client, serve_models: Callable[..., Models]) -> None:
    fast, slow = serve_models("a"), serve_models("b", pause=0.3)
    finder = client(remote_connections=[slow.connection, fast.connection], protocol="http").finder()
    start = time.monotonic()
    assert finder.find_model("a") is not None
    assert time.monotonic() - start < 0.25
    wait_until(lambda: finder.find_model("b") is not None)


def test_many_at_once_ask_once(client: Client, serve_models: Callable[..., Models]) -> None:
    server = serve_models("a", pause=0.1)
    finder = client(connection=server.connection, protocol="http").finder()
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(finder.find_model("a"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(found) == 16
    assert all(found)
    assert server.asked == 1


def test_templates(client: Client, serve_models: Callable[..., Models], module_id: str) -> None:
    server = serve_models("127", "0")
    template = {**server.connection, "hostname": "{}.0.0.1"}
    finder = client(connection=template, protocol="http", supported_models={"static": module_id}).finder()
    assert finder._connection_template is not None
    assert finder._connections == {}
    config = finder.find_model("127")
    assert config is not None
    assert config.connection.hostname == "127.0.0.1"
    assert finder.find_model("static").connection.hostname == "static.0.0.1"
    assert finder._render_conn_template("x").hostname == "x.0.0.1"
    assert [each.hostname for each in finder._get_conn_candidates("x")] == ["x.0.0.1"]
    assert finder._get_conn_candidates(None) == []


@pytest.mark.parametrize(
    "name", ["evil.com/", "a@evil.com", "a:1", "", "a b", ".", "..", "-a", "a#", "a?b", "ä"]
)
def test_names_that_would_lead_elsewhere(
    client: Client, serve_models: Callable[..., Models], name: str
) -> None:
    template = {**serve_models().connection, "hostname": "{}.0.0.1"}
    finder = client(connection=template, protocol="http").finder()
    assert finder._render_conn_template(name) is None
    assert finder.find_model(name) is None


def test_servers_that_tell_nonsense(
    client: Client, fake: SimpleNamespace, serve_models: Callable[..., Models]
) -> None:
    liars = [
        fake.serve(lambda sock, _, body=body: sock.sendall(fake.answer(200, body)))
        for body in (b"{", b"[]", b'{"models": 5}', b"\xff", b'{"models": [{"name": "a", "loaded": true}]}')
    ]
    living = serve_models("a")
    connections = [{"hostname": "127.0.0.1", "port": liar.port, "timeout": 5} for liar in liars]
    finder = client(remote_connections=[*connections, living.connection], protocol="http").finder()
    config = finder.find_model("a")
    assert config is not None
    assert config.connection.port == living.connection["port"]


def test_credentials_go_with_every_request(
    client: Client, serve_models: Callable[..., Models], tmp_path: Any
) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    server = serve_models("a")
    manager = client(
        connection=server.connection,
        protocol="http",
        metadata={"X-Tenant": "me"},
        token_file=str(token),
        min_poll_time=0,
    )
    model = manager.load("a")
    token.write_text("the second\n")
    model.run(None)
    asked, called = (request.lower() for request in (server.requests[0], server.requests[-1]))
    assert b"authorization: bearer first\r\n" in asked
    assert b"authorization: bearer the second\r\n" in called
    assert b"x-tenant: me\r\n" in asked
    assert b"x-tenant: me\r\n" in called
    model.run_stream_in([])
    (upload,) = (each for each in server.requests if each.startswith(b"POST /api/v1/task/client-streaming"))
    assert b"authorization: bearer the second\r\n" in upload.lower()
    assert b"x-tenant: me\r\n" in upload.lower()
    token.unlink()
    model.run(None)
    assert b"authorization: bearer the second\r\n" in server.requests[-1].lower()


def test_credentials_over_grpc(client: Client, golden: SimpleNamespace, tmp_path: Any) -> None:
    from concurrent import futures

    import grpc

    seen: list[dict[str, Any]] = []

    class Handler(grpc.GenericRpcHandler):
        def service(self, call: grpc.HandlerCallDetails) -> Any:
            seen.append({"path": call.method, **dict(call.invocation_metadata)})
            return grpc.unary_unary_rpc_method_handler(lambda *_: b"")

    (tmp_path / "token").write_text("secret")
    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[Handler()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    manager = client(
        connection={"hostname": "127.0.0.1", "port": port},
        supported_models={"a": golden.greet.Greeter.MODULE_ID},
        metadata={"x-tenant": "me"},
        token_file=str(tmp_path / "token"),
        model_key="my-model",
    )
    manager.load("a").run(golden.data.Person("Ann"))
    manager.finder().find_model("b")
    server.stop(0).wait(5)
    assert {call["path"] for call in seen} == {
        "/caikit.runtime.GoldenLib.GoldenLibService/GreetTaskPredict",
        "/caikit.runtime.info.InfoService/GetModelsInfo",
    }
    assert all(call["authorization"] == "Bearer secret" and call["x-tenant"] == "me" for call in seen)
    assert next(call for call in seen if "Predict" in call["path"])["my-model"] == "a"


HOST = {"hostname": "h", "port": 1}
MISTAKES: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"connection": HOST, "protocol": "smoke"}, ValueError, "Invalid protocol"),
    ({"connection": HOST, "protocol": 5}, TypeError, "protocol"),
    ({"connection": {**HOST, "tls": {"enabled": True, "insecure_verify": True}}}, ValueError, "GRPC does not support insecure TLS connections"),
    ({"supported_models": {"a": "b"}}, ValueError, "supported_models need a connection"),
    ({"remote_connections": [HOST], "supported_models": {"a": "b"}}, ValueError, "supported_models need a connection"),
    ({"connection": "h:1"}, TypeError, "connection"),
    ({"connection": {"port": 1}}, TypeError, "hostname"),
    ({"connection": {"hostname": "h", "port": "80"}}, TypeError, "port"),
    ({"connection": HOST, "model_key": 5}, TypeError, "model_key"),
    ({"connection": HOST, "min_poll_time": "soon"}, TypeError, "min_poll_time"),
    ({"connection": HOST, "discover_models": "yes"}, TypeError, "discover_models"),
    ({"connection": HOST, "supported_models": ["a"]}, TypeError, "supported_models"),
    ({"connection": HOST, "supported_models": {"a": 5}}, TypeError, "supported_models"),
    ({"connection": HOST, "remote_connections": "h"}, TypeError, "remote_connections"),
    ({"connection": HOST, "metadata": {"a b": "c"}}, ValueError, "'a b' cannot be the name"),
    ({"connection": HOST, "metadata": {"grpc-x": "c"}}, ValueError, "cannot be the name"),
    ({"connection": HOST, "metadata": {"a": "b\r\nc: d"}}, ValueError, "characters that cannot be sent"),
    ({"connection": HOST, "metadata": {"a": 5}}, TypeError, "value"),
    ({"connection": HOST, "token_file": 5}, TypeError, "token_file"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_mistakes_in_the_configuration(client: Client, number: int) -> None:
    config, kind, text = MISTAKES[number]
    with pytest.raises(kind, match=text):
        client(**config).finder()


def test_together_with_local_models(
    golden: SimpleNamespace,
    servers: Callable[[str], Any],
    temp_config: Callable[[dict[str, Any]], None],
    protocol: str,
    tmp_path: Any,
) -> None:
    golden.greet.Greeter("Local").save(str(tmp_path / "here"))
    local, far, both = (f"{name}-{uuid.uuid4()}" for name in ("local", "far", "both"))
    connection = servers("plain").connection(protocol)
    temp_config(
        {
            "runtime": {"library": "golden_lib"},
            "model_management": {
                "finders": {
                    both: {"type": "MULTI", "config": {"finder_priority": [local, far]}},
                    local: {"type": "LOCAL", "config": {"load_path": str(tmp_path)}},
                    far: {"type": "REMOTE", "config": {"connection": connection, "protocol": protocol}},
                },
                "initializers": {
                    both: {"type": "MULTI", "config": {"initializer_priority": [far, local]}},
                    local: {"type": "LOCAL", "config": {}},
                    far: {"type": "REMOTE"},
                },
            },
        }
    )
    person = golden.data.Person("Ann")
    assert caikit.load("here", finder=both, initializer=both).run(person).text == "Local Ann"
    assert caikit.load("greeter", finder=both, initializer=both).run(person).text == "Hello Ann"


def test_a_finder_of_ones_own(client: Client, module_id: str, temp_config: Callable[..., None]) -> None:
    class Fixed(RemoteModelFinder):
        name = "FIXED"

        def _discover(self, model_name: str | None = None) -> Any:
            return {"mine": ModuleConnectionInfo(ConnectionInfo(**HOST), module_id)}

    client(connection=HOST)
    finder = Fixed(aconfig.Config({"connection": HOST}), "fixed")
    config = finder.find_model("mine")
    assert config is not None
    assert config.module_id == f"{module_id}-remote"
