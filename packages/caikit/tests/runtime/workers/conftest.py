"""Programs with several worker processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from team_tools import MODULE_ID, Team, is_alive, until

HERE = Path(__file__).parent


@pytest.fixture
def certs() -> SimpleNamespace:
    """Paths of keys and certificates; the authority `ca` has signed the server's and the client's."""
    folder = HERE.parent / "servers" / "certs"
    return SimpleNamespace(**{path.name.replace(".", "_"): str(path) for path in folder.iterdir()})


@pytest.fixture
def start_team(tmp_path: Path) -> Iterator[Callable[..., Team]]:
    """Starts a program with two workers; keyword arguments go to the section `runtime`."""
    started: list[Team] = []

    def start(
        *command: str, models: tuple[str, ...] = ("place",), management: Any = None, **runtime: Any
    ) -> Team:
        (tmp_path / "models").mkdir(exist_ok=True)
        for name in models:
            model = tmp_path / "models" / name
            model.mkdir(parents=True, exist_ok=True)
            (model / "config.yml").write_text(f"module_id: {MODULE_ID}\n")
        settings: dict[str, Any] = {
            "library": "team_lib",
            "workers": 2,
            "local_models_dir": "models",
            "lazy_load_write_detection_period_seconds": 0,
            "server_thread_pool_size": 20,
            "training": {"output_dir": "trained"},
            "grpc": {"port": 0, "host": "127.0.0.1", "unix_socket_path": ""},
            "http": {"port": 0, "host": "127.0.0.1"},
            "metrics": {"port": 0, "host": "127.0.0.1"},
        }
        for key, value in runtime.items():
            settings[key] = {**settings.get(key, {}), **value} if isinstance(value, dict) else value
        config = tmp_path / f"settings{len(started)}.yml"
        sections = {"runtime": settings, "log": {"level": "info"}, "model_management": management or {}}
        config.write_text(yaml.safe_dump(sections))
        temporary = tmp_path / "tmp"
        temporary.mkdir(exist_ok=True)
        environment = dict(os.environ)
        if "transport" in runtime:  # else the environment would have the last word
            environment.pop("RUNTIME_TRANSPORT", None)
        process = subprocess.Popen(
            [sys.executable, "-W", "error", *(command or ("-m", "caikit.runtime"))],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=tmp_path,
            env={
                **environment,
                "CONFIG_FILES": str(config),
                "PYTHONPATH": str(HERE),
                "TEAM_LIB_HOME": str(tmp_path),
                "TMPDIR": str(temporary),
            },
        )
        started.append(Team(process, tmp_path))
        return started[-1]

    yield start
    for team in started:
        if team.process.poll() is None:
            children = team.children
            team.process.kill()
            team.process.wait()
            until(lambda children=children: not any(map(is_alive, children)))
        team.close()


@pytest.fixture
def serve_team(start_team: Callable[..., Team]) -> Callable[..., Team]:
    """The same, when it serves."""

    def serve(*command: str, **runtime: Any) -> Team:
        return start_team(*command, **runtime).wait_until_serving("grpc", "http")

    return serve
