"""Where traces are sent, and what is wrong with a configuration."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest
from collectors import GrpcCollector

from caikit.runtime.http_server import RuntimeHTTPServer
from caikit.runtime.trace import configure as configure_trace
from caikit.runtime.trace import start_child_span

CERTS = Path(__file__).parent.parent / "servers" / "certs"


def read(name: str) -> bytes:
    return (CERTS / name).read_bytes()


@pytest.mark.parametrize("form", ["path", "text"])
@pytest.mark.parametrize("mutual", [False, True])
def test_tls(configure, temp_config, form, mutual):
    credentials = grpc.ssl_server_credentials(
        [(read("server.key"), read("server.pem"))],
        root_certificates=read("ca.pem") if mutual else None,
        require_client_auth=mutual,
    )

    def given(name):
        return str(CERTS / name) if form == "path" else read(name).decode()

    tls = {"ca": given("ca.pem")}
    if mutual:
        tls |= {"client_key": given("client.key"), "client_cert": given("client.pem")}
    with GrpcCollector(credentials) as collector:
        temp_config({"runtime": {"trace": {"enabled": True, "endpoint": collector.endpoint, "tls": tls}}})
        configure_trace()
        with start_child_span(None, "safe"):
            pass
        temp_config({"runtime": {"trace": {"enabled": False}}})
        configure_trace()
    assert collector.received.names() == ["safe"]


@pytest.mark.parametrize(
    ("trace", "complaint"),
    [
        ({"protocol": "udp"}, "<RUN85736759E> expected grpc or http as runtime.trace.protocol, got 'udp'"),
        ({"protocol": None}, "<RUN85736759E> expected grpc or http"),
        ({"endpoint": ""}, "expected an address as runtime.trace.endpoint"),
        (
            {"protocol": "http", "tls": {"ca": "-----BEGIN"}},
            "expected the path of a file as runtime.trace.tls.ca",
        ),
        (
            {"protocol": "http", "tls": {"ca": str(CERTS / "ca.pem"), "client_key": "k", "client_cert": "c"}},
            "runtime.trace.tls.client_key cannot be used with runtime.trace.protocol http",
        ),
        ({"tls": {"client_key": "k"}}, "client_key and runtime.trace.tls.client_cert go together"),
        ({"tls": {"client_key": "k", "client_cert": "c"}}, "needs runtime.trace.tls.ca"),
        ({"tls": {"ca": "no such file"}}, "expected PEM text or the path of a file in runtime.trace.tls"),
    ],
)
def test_settings_that_cannot_be_used(configure, trace, complaint):
    configure(trace={"enabled": True, **trace})
    with pytest.raises(ValueError, match=complaint):
        RuntimeHTTPServer().start(blocking=False)


def test_wrong_settings_of_tracing_do_not_matter_while_it_is_off(configure):
    configure(trace={"protocol": "udp"})
    with RuntimeHTTPServer():
        pass


def test_the_section_may_be_turned_off_by_its_name(configure):
    configure(trace="off")
    with RuntimeHTTPServer():
        pass
