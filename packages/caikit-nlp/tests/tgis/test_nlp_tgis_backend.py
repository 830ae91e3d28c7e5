"""How servers are reached: configuration, TLS, routes of requests, prompts, addresses that change."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from caikit.core.module_backends import backend_types
from caikit_nlp.toolkit.text_generation.tgis_utils import ROUTE_INFO_HEADER_KEY, get_route_info
from caikit_tgis_backend import TGISBackend
from caikit_tgis_backend.load_balancing_proxy import GRPCLoadBalancerProxy
from caikit_tgis_backend.protobufs import generation_pb2, generation_pb2_grpc
from caikit_tgis_backend.tgis_connection import TGISConnection


def ask(backend: TGISBackend, model_id: str = "m") -> Any:
    """What the server says about a model, and which server it is."""
    request = generation_pb2.BatchedGenerationRequest(
        model_id=model_id, requests=[generation_pb2.GenerationRequest(text="a")]
    )
    return backend.get_client(model_id).Generate(request, timeout=10).responses[0].text


def sentences(caplog: pytest.LogCaptureFixture) -> str:
    """What was logged with a code."""
    records: list[Any] = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    return "\n".join(each["message"] % each["args"] for each in records)


def test_the_type_is_registered() -> None:
    assert backend_types.TGIS == TGISBackend.backend_type == "TGIS"
    assert (TGISBackend.TGIS_LOCAL_GRPC_PORT, TGISBackend.TGIS_LOCAL_HTTP_PORT) == (50055, 3000)
    assert TGISBackend.ROUTE_INFO_HEADER_KEY == ROUTE_INFO_HEADER_KEY == "x-route-info"


def test_local_or_remote(make_backend: Callable[..., Any]) -> None:
    assert make_backend().local_tgis
    assert not make_backend().model_loaded
    assert make_backend(connection={"prompt_dir": "x"}).local_tgis
    for config in (
        {"connection": {"hostname": "a:1"}},
        {"remote_models": {"m": {"hostname": "a:1"}}},
    ):
        backend = make_backend(**config)
        assert not backend.local_tgis
        assert backend.model_loaded
    with pytest.raises(AssertionError):
        make_backend().register_config({})


@pytest.mark.parametrize(
    "hostname", ["localhost", "a:1:2", "a:b", ":1", "http://a:1", "unix:/tmp/x", "a b:1", "[::1]:1", 7]
)
def test_hosts_that_are_none(make_backend: Callable[..., Any], hostname: Any) -> None:
    with pytest.raises(ValueError, match=r"Invalid base configuration: .*host:port"):
        make_backend(connection={"hostname": hostname})
    with pytest.raises(ValueError, match="host:port"):
        make_backend(remote_models={"m": {"hostname": hostname}})


def test_a_remote_model_needs_a_host(make_backend: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match=r"expected a hostname in remote_models\.m"):
        make_backend(remote_models={"m": {}})


def test_types_of_settings(make_backend: Callable[..., Any]) -> None:
    for config in (
        {"connection": "a:1"},
        {"remote_models": ["m"]},
        {"connect_timeout": "1"},
        {"remote_models": {"m": {"hostname": "a:1", "grpc_lb_poll_interval_s": "1"}}},
        {"remote_models": {"m": {"hostname": "a:1", "prompt_dir": 1}}},
    ):
        with pytest.raises((TypeError, ValueError)):
            make_backend(**config)


def test_keys_that_nothing_reads_are_told(
    make_backend: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        make_backend(test_connection=True, connection={"hostnam": "a:1"}, local={"whatever": 1})
    told = sentences(caplog)
    assert "test_connection; did you mean test_connections?" in told
    assert "hostnam; did you mean hostname?" in told
    assert "whatever; known are grpc_port" in told


def test_models_have_their_servers(
    make_backend: Callable[..., Any], serve_texts: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    first, second = serve_texts("first"), serve_texts("second")
    backend = make_backend(
        connection={"hostname": second.hostname}, remote_models={"one": {"hostname": first.hostname}}
    )
    assert backend.get_connection("two", create=False) is None
    assert ask(backend, "one").startswith("first")
    assert ask(backend, "two").startswith("second")
    assert backend.get_connection("two", create=False).hostname == second.hostname
    assert backend.get_client("two") is backend.get_client("three")
    backend.unload_model("two")
    assert backend.get_connection("two", create=False) is None
    only = make_backend(remote_models={"one": {"hostname": first.hostname}})
    only.start()
    assert only.is_started
    assert only.get_connection("one", create=False) is not None
    assert only.get_connection("two") is None
    with pytest.raises(ValueError, match="Unknown model_id: two"):
        only.get_client("two")
    only.stop()
    assert not only.is_started


def test_the_id_of_a_model_in_the_host(make_backend: Callable[..., Any]) -> None:
    backend = make_backend(connection={"hostname": "{model_id}.texts:8033"})
    assert backend.get_connection("llama").hostname == "llama.texts:8033"
    for unfit in ("a:1/", "a/b", "x y", "a#b", "{model_id}:1"):
        assert backend.get_connection(unfit) is None


def test_a_connection_is_registered(
    make_backend: Callable[..., Any], serve_texts: Callable[..., Any]
) -> None:
    there = serve_texts("there")
    backend = make_backend(connection={"hostname": "nowhere:1", "grpc_lb_policy_name": "pick_first"})
    backend.register_model_connection("m", {"hostname": there.hostname})
    assert backend.get_connection("m").grpc_lb_policy_name == "pick_first"
    backend.register_model_connection("m", {"hostname": "elsewhere:1"})
    assert ask(backend).startswith("there")
    backend.register_model_connection("plain", {"hostname": there.hostname}, fill_with_defaults=False)
    assert backend.get_connection("plain").grpc_lb_policy_name == "round_robin"
    backend.register_model_connection("base")
    assert backend.get_connection("base").hostname == "nowhere:1"
    with pytest.raises(ValueError, match="expected a hostname to reach m2"):
        backend.register_model_connection("m2", {}, fill_with_defaults=False)
    local = make_backend()
    local.register_model_connection("m", {"hostname": there.hostname})
    assert local.local_tgis


def grpc_context(*metadata: tuple[str, str | bytes]) -> Any:
    return SimpleNamespace(invocation_metadata=lambda: metadata)


CONTEXTS: list[Callable[[str], Any]] = [
    lambda host: grpc_context(("other", "a"), ("x-route-info", host)),
    lambda host: grpc_context(("X-Route-Info", host.encode())),
    lambda host: SimpleNamespace(headers={"X-ROUTE-INFO": host}),
]


@pytest.mark.parametrize("make_context", CONTEXTS)
def test_a_request_says_where_its_model_is(
    make_backend: Callable[..., Any], serve_texts: Callable[..., Any], make_context: Callable[[str], Any]
) -> None:
    there = serve_texts("there")
    backend = make_backend(connection={"hostname": "nowhere:1", "grpc_lb_policy_name": "pick_first"})
    context = make_context(there.hostname)
    assert get_route_info(context) == backend.get_route_info(context) == there.hostname
    backend.handle_runtime_context("m", context)
    backend.handle_runtime_context("m", make_context("elsewhere:1"))
    assert ask(backend).startswith("there")
    assert backend.get_connection("m").grpc_lb_policy_name == "pick_first"
    with pytest.raises(ValueError, match="host:port"):
        backend.handle_runtime_context("other", make_context("unix:/tmp/socket"))


def test_requests_cannot_fill_the_memory(make_backend: Callable[..., Any]) -> None:
    backend = make_backend(remote_models={"mine": {"hostname": "a:1"}})
    context = grpc_context(("x-route-info", "b:2"))
    for number in range(10_050):
        backend.handle_runtime_context(f"m{number}", context)
    assert backend.get_connection("mine").hostname == "a:1"
    assert backend.get_connection("m0") is None
    assert backend.get_connection("m10049").hostname == "b:2"


def test_requests_without_a_route(backend: TGISBackend) -> None:
    assert backend.get_route_info(None) is None
    assert backend.get_route_info(grpc_context()) is None
    assert backend.get_route_info(SimpleNamespace(headers={})) is None
    backend.handle_runtime_context("m", grpc_context())
    assert backend.get_connection("m", create=False) is None
    unknown: Any = "a text"
    with pytest.raises(TypeError, match="expected the context of a gRPC or an HTTP request, got str"):
        backend.get_route_info(unknown)


def test_connections_are_tested(
    make_backend: Callable[..., Any], texts: Any, caplog: pytest.LogCaptureFixture
) -> None:
    backend = make_backend(
        connection={"hostname": texts.hostname},
        remote_models={"nowhere": {"hostname": "localhost:1"}},
        test_connections=True,
        connect_timeout=5,
    )
    with caplog.at_level(logging.WARNING):
        backend.start()
        assert backend.get_connection("nowhere") is None
        assert backend.get_connection("refused") is None
    assert "No connection to localhost:1" in sentences(caplog)
    assert "no such model" in sentences(caplog)
    assert backend.get_connection("m") is not None
    assert {request.model_id for request in texts.servicer.requests} == {"refused", "m"}


@pytest.mark.parametrize("mutual", [False, True])
def test_tls(
    make_backend: Callable[..., Any], serve_texts: Callable[..., Any], certificates: Any, mutual: bool
) -> None:
    credentials = grpc.ssl_server_credentials(
        [(certificates.content("server_key"), certificates.content("server_cert"))],
        certificates.content("authority") if mutual else None,
        mutual,
    )
    server = serve_texts("safe", credentials)
    keys = {"hostname": server.hostname, "ca_cert_file": certificates.authority}
    client = {
        "client_cert_file": certificates.client_cert,
        "client_key_file": certificates.client_key,
    }
    known = make_backend(connection={**keys, **client})
    assert ask(known).startswith("safe")
    assert (known.get_connection("m").tls_enabled, known.get_connection("m").mtls_enabled) == (True, True)
    unknown = make_backend(connection=keys, test_connections=True, connect_timeout=5)
    assert (unknown.get_connection("m") is None) == mutual
    plain = make_backend(connection={"hostname": server.hostname}, test_connections=True, connect_timeout=5)
    assert plain.get_connection("m") is None


def test_the_name_in_the_certificate(
    make_backend: Callable[..., Any], serve_texts: Callable[..., Any], certificates: Any
) -> None:
    credentials = grpc.ssl_server_credentials(
        [(certificates.content("server_key"), certificates.content("server_cert"))]
    )
    server = serve_texts("safe", credentials)
    keys = {"hostname": server.hostname, "ca_cert_file": certificates.authority}
    assert ask(make_backend(connection={**keys, "hostname_override": "texts.example"})).startswith("safe")
    other = make_backend(
        connection={**keys, "hostname_override": "other.example"}, test_connections=True, connect_timeout=5
    )
    assert other.get_connection("m") is None


def test_files_of_tls(certificates: Any, tmp_path: Path) -> None:
    def connection(**keys: Any) -> Any:
        return TGISConnection.from_config("m", {"hostname": "a:1", **keys})

    with pytest.raises(ValueError, match="Must set both client_cert_file and client_key_file or neither"):
        connection(ca_cert_file=certificates.authority, client_cert_file=certificates.client_cert)
    with pytest.raises(ValueError, match=r"Cannot set client TLS \(.*\) without CA \(None\)"):
        connection(client_cert_file=certificates.client_cert, client_key_file=certificates.client_key)
    with pytest.raises(FileNotFoundError):
        connection(ca_cert_file=str(tmp_path / "absent"))
    with pytest.raises((FileNotFoundError, NotADirectoryError)):
        connection(prompt_dir=str(tmp_path / "absent"))
    assert TGISConnection.from_config("m", {}) is None


def test_prompts(make_backend: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "prompts"
    folder.mkdir()
    files = [tmp_path / name for name in ("encoder.pt", "decoder.pt")]
    for file in files:
        file.write_text(file.name)
    backend = make_backend(connection={"hostname": "a:1", "prompt_dir": str(folder)})
    backend.load_prompt_artifacts("m", "mine", *map(str, files))
    assert sorted(path.name for path in (folder / "mine").iterdir()) == ["decoder.pt", "encoder.pt"]
    assert (folder / "mine" / "decoder.pt").read_text() == "decoder.pt"
    files[0].write_text("another")
    backend.load_prompt_artifacts("m", "mine", str(files[0]))
    assert (folder / "mine" / "encoder.pt").read_text() == "encoder.pt"
    (folder / "busy").mkdir()
    (folder / "busy" / "encoder.pt.swp").write_text("half")
    backend.load_prompt_artifacts("m", "busy", str(files[0]))
    assert not (folder / "busy" / "encoder.pt").exists()
    backend.unload_prompt_artifacts("m", "mine", "never there")
    assert not (folder / "mine").exists()
    for outside in ("..", ".", "", "a/b", "/tmp"):
        with pytest.raises(ValueError, match="expected a plain name"):
            backend.load_prompt_artifacts("m", outside, str(files[0]))
    with pytest.raises(FileNotFoundError):
        backend.load_prompt_artifacts("m", "mine", str(tmp_path / "absent"))
    without = make_backend(connection={"hostname": "a:1"})
    with pytest.raises(ValueError, match="No prompt_dir configured for a:1"):
        without.load_prompt_artifacts("m", "mine", str(files[0]))


class Names:
    """Addresses of a host that change when they are told to."""

    def __init__(self) -> None:
        self.addresses: frozenset[str] | None = frozenset({"127.0.0.1"})
        self.asked = threading.Semaphore(0)

    def __call__(self, host: str) -> frozenset[str]:
        assert host == "localhost"
        self.asked.release()
        if self.addresses is None:
            raise OSError("no such name")
        return self.addresses

    def wait(self) -> None:
        """Until what is there now was looked up and used."""
        while self.asked.acquire(blocking=False):
            pass
        # Who looks again has used what was found before; the first look may have begun earlier.
        for _ in range(3):
            assert self.asked.acquire(timeout=10)


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
def proxy(names: Names, texts: Any) -> Iterator[GRPCLoadBalancerProxy]:
    made = GRPCLoadBalancerProxy(
        generation_pb2_grpc.GenerationServiceStub,
        texts.hostname,
        poll_interval_s=0.02,
        resolve=names,
        # Channels of a process share connections otherwise.
        channel_options=[("grpc.use_local_subchannel_pool", 1)],
    )
    yield made
    made.close()


def test_new_addresses_are_used(proxy: GRPCLoadBalancerProxy, names: Names, texts: Any) -> None:
    def peer() -> str:
        proxy.ModelInfo(generation_pb2.ModelInfoRequest(model_id="m"), timeout=10)
        return str(texts.servicer.peers[-1])

    names.wait()
    first = peer()
    assert peer() == first
    names.addresses = None
    names.wait()
    names.addresses = frozenset({"127.0.0.1"})
    names.wait()
    assert peer() == first
    running = proxy.GenerateStream(
        generation_pb2.SingleGenerationRequest(
            request=generation_pb2.GenerationRequest(text="!hang"),
            params=generation_pb2.Parameters(stopping=generation_pb2.StoppingCriteria(max_new_tokens=9)),
        ),
        timeout=30,
    )
    next(running)
    names.addresses = frozenset({"127.0.0.1", "127.0.0.2"})
    names.wait()
    assert peer() != first
    assert running.is_active()
    running.cancel()
    second = peer()
    names.addresses = frozenset({"127.0.0.2"})
    names.wait()
    assert peer() == second


def test_a_proxy_that_nobody_has_ends(texts: Any) -> None:
    names = Names()
    proxy = GRPCLoadBalancerProxy(
        generation_pb2_grpc.GenerationServiceStub, texts.hostname, poll_interval_s=30, resolve=names
    )
    assert names.asked.acquire(timeout=10)
    [thread] = [each for each in threading.enumerate() if each is proxy._thread]
    del proxy
    end = time.monotonic() + 10
    while thread.is_alive() and time.monotonic() < end:
        gc.collect()
        thread.join(0.05)
    assert not thread.is_alive()
