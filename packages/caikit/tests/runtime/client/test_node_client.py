"""The client that gRPC has for Node; `scripts/test-node` installs it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PROTOS = HERE.parents[1] / "golden" / "dump" / "consolidated"


def _is_installed() -> bool:
    node = shutil.which("node")
    if node is None:
        return False
    found = "require.resolve('@grpc/grpc-js'); require.resolve('@grpc/proto-loader')"
    return subprocess.run([node, "-e", found], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _is_installed(), reason="@grpc/grpc-js is not installed: scripts/test-node")
@pytest.mark.parametrize("kind", ["plain", "tls"])
def test_the_client_of_node(servers: Callable[[str], Any], certs: Callable[[str], str], kind: str) -> None:
    target = f"localhost:{servers(kind).ports['grpc']}"
    authority = [certs("ca.pem")] if kind == "tls" else []
    done = subprocess.run(
        ["node", str(HERE / "node_client.js"), target, str(PROTOS), *authority],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.stdout == "all is well\n", done.stderr
