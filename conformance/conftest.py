"""The server under test: one that runs already, or one that is started for the session."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from conformance.replay.server import Target, serve


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    http_url, grpc_target = os.environ.get("CAIKIT_HTTP_URL"), os.environ.get("CAIKIT_GRPC_TARGET")
    if http_url or grpc_target:
        yield Target(http_url and http_url.rstrip("/"), grpc_target)
    else:
        with serve(tmp_path_factory.mktemp("server")) as started:
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
