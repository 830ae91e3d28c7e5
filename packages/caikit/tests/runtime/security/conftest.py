"""Servers that ask who calls, and keys and tokens for them."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from authorities import Authority, JwksServer, Signer
from doors import Authorization, GrpcDoor, HttpDoor

MODULE_ID = "7f1b5c4e-0000-4000-8000-0000000005ec"


class Site:
    """The two servers of one configuration."""

    def __init__(self) -> None:
        from caikit.runtime.grpc_server import RuntimeGRPCServer
        from caikit.runtime.http_server import RuntimeHTTPServer

        self._stack = contextlib.ExitStack()
        self.grpc_server = self._stack.enter_context(RuntimeGRPCServer())
        try:
            self.http_server = self._stack.enter_context(RuntimeHTTPServer())
        except BaseException:
            self.close()
            raise
        self.http = HttpDoor(self.http_server.port)
        self.grpc = GrpcDoor(f"127.0.0.1:{self.grpc_server.port}")
        self._stack.callback(self.grpc.channel.close)

    def close(self) -> None:
        self._stack.close()

    @property
    def doors(self) -> list[Any]:
        return [self.grpc, self.http]

    def infer(self, authorization: Authorization = None) -> str:
        return self.both("infer", authorization)

    def both(self, kind: str, authorization: Authorization = None) -> str:
        """The status that both protocols agree on."""
        statuses = {getattr(door, kind)(authorization) for door in self.doors}
        assert len(statuses) == 1, statuses
        return statuses.pop()


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    model = tmp_path / "models" / "echo"
    model.mkdir(parents=True)
    (model / "config.yml").write_text(f"module_id: {MODULE_ID}\n")
    return {
        "library": "secured_lib",
        "local_models_dir": str(tmp_path / "models"),
        "lazy_load_write_detection_period_seconds": 0,
        "training": {"output_dir": str(tmp_path / "trained")},
        "grpc": {"port": 0, "host": "127.0.0.1", "unix_socket_path": ""},
        "http": {"port": 0, "host": "127.0.0.1"},
        "metrics": {"port": 0, "host": "127.0.0.1"},
    }


@pytest.fixture
def serve(
    settings: dict[str, Any], temp_config: Callable[[dict[str, Any]], None]
) -> Iterator[Callable[..., Site]]:
    """Starts both servers; keyword arguments are the section `security`, which is enabled."""
    with contextlib.ExitStack() as stack:

        def start(runtime: dict[str, Any] | None = None, **security: Any) -> Site:
            more = {"security": {"enabled": True, **security}, **(runtime or {})}
            for key, value in more.items():
                settings[key] = {**settings.get(key, {}), **value} if isinstance(value, dict) else value
            temp_config({"runtime": settings, "log": {"level": "info"}})
            site = Site()
            stack.callback(site.close)
            return site

        yield start


@pytest.fixture
def wait_until() -> Callable[..., None]:
    def wait(condition: Callable[[], Any], seconds: float = 8.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.02)

    return wait


@pytest.fixture(scope="session")
def signer() -> Signer:
    """Keys that sign tokens."""
    return Signer()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def jwks_file(tmp_path: Path, signer: Signer) -> Path:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(signer.key_set()))
    return path


@pytest.fixture
def jwks_server(signer: Signer) -> Iterator[JwksServer]:
    with JwksServer(signer.key_set()) as server:
        yield server


@pytest.fixture
def claims() -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": "https://issuer.example",
        "aud": "caikit",
        "sub": "somebody",
        "iat": now,
        "exp": now + 600,
        "scope": "infer read",
    }
