"""The server under test: one that runs already, or one that is started for the session."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from conformance.replay.server import Target, serve

HTTP_URL, GRPC_TARGET = os.environ.get("CAIKIT_HTTP_URL"), os.environ.get("CAIKIT_GRPC_TARGET")
SERVERS = ["given"] if HTTP_URL or GRPC_TARGET else ["standard", "native"]


@pytest.fixture(scope="session", params=SERVERS)
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    if request.param == "given":
        yield Target(HTTP_URL and HTTP_URL.rstrip("/"), GRPC_TARGET)
    else:
        with serve(tmp_path_factory.mktemp("server"), request.param) as started:
            yield started


@pytest.fixture(scope="session")
def http_url(target: Target) -> str:
    if target.http_url is None:
        pytest.skip("CAIKIT_HTTP_URL is not set")
    return target.http_url


@pytest.fixture(scope="session")
def grpc_target(target: Target) -> str:
    if target.grpc_target is None:
        pytest.skip("CAIKIT_GRPC_TARGET is not set")
    return target.grpc_target
