"""The client of remote models shows who it is."""

from __future__ import annotations

import uuid

import pytest

import caikit
from caikit.runtime.types.caikit_runtime_exception import CaikitRuntimeException

KEY, NEXT = "the-first-key-of-the-client", "the-second-key-of-the-client"


@pytest.fixture
def load(temp_config):
    def load(site, protocol, **config):
        server = site.grpc_server if protocol == "grpc" else site.http_server
        finder = {
            "connection": {"hostname": "127.0.0.1", "port": server.port},
            "protocol": protocol,
            "discover_models": False,
            "supported_models": {"echo": "7f1b5c4e-0000-4000-8000-0000000005ec"},
            **config,
        }
        name = f"behind a guard, {protocol}, {uuid.uuid4()}"
        temp_config(
            {
                "model_management": {
                    "finders": {name: {"type": "REMOTE", "config": finder}},
                    "initializers": {name: {"type": "REMOTE"}},
                }
            }
        )
        return caikit.load("echo", finder=name, initializer=name)

    return load


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_tokens_of_the_client(serve, load, protocol, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(f"{KEY}\n{NEXT}\n")
    site = serve(clients={"other server": {"file": str(keys), "scopes": ["infer", "read"]}})
    token = tmp_path / "token"
    token.write_text(KEY + "\n")
    with load(site, protocol, token_file=str(token)) as model:
        assert model.run(text="a").text == "a"
        assert [item.text for item in model.run_stream(text="a b")] == ["a", "b"]
        token.write_text(NEXT)
        assert model.run(text="b").text == "b"
        token.write_text("no-longer-a-key")
        with pytest.raises(CaikitRuntimeException) as caught:
            model.run(text="c")
        assert caught.value.status_code.name == "UNAUTHENTICATED"


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_metadata_of_the_client(serve, load, protocol):
    site = serve(clients={"other server": {"key": KEY, "scopes": ["read"]}})
    with load(site, protocol, metadata={"authorization": f"Bearer {KEY}"}) as model:
        with pytest.raises(CaikitRuntimeException) as caught:
            model.run(text="a")
        assert caught.value.status_code.name == "PERMISSION_DENIED"
