"""A server of the golden library in a process of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

GOLDEN = Path(__file__).parents[2] / "golden"


@contextlib.contextmanager
def serve_golden(folder: Path, **runtime: Any) -> Iterator[SimpleNamespace]:
    """`base` is the folder of its library, models and data; `target` its address, `log` what it prints."""
    base = folder / "lib"
    shutil.copytree(GOLDEN / "lib", base)
    config = folder / "settings.yml"
    config.write_text(yaml.safe_dump(_settings(base, runtime)))
    environment = {
        **os.environ,
        "CONFIG_FILES": str(config),
        "PYTHONPATH": os.pathsep.join([str(base), str(GOLDEN / "shim")]),
    }
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "caikit.runtime.grpc_server"],
            cwd=base,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        end = time.monotonic() + 20
        while "listening on" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.02)
        port = log.read_text().split("serving grpc on port: ")[1].split()[0]
        yield SimpleNamespace(base=base, target=f"127.0.0.1:{port}", log=log)
    finally:
        process.terminate()
        process.wait(20)


def _settings(base: Path, runtime: dict[str, Any]) -> dict[str, Any]:
    return {
        "runtime": {
            "library": "golden_lib",
            "local_models_dir": str(base / "models"),
            "lazy_load_write_detection_period_seconds": 0,
            "training": {"output_dir": str(base / "training_output")},
            "grpc": {"port": 0, "host": "127.0.0.1", "unix_socket_path": ""},
            "metrics": {"enabled": False},
            **runtime,
        },
        "data_streams": {"file_source_base": str(base / "data")},
    }
