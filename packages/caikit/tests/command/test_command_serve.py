"""`caikit serve`: finding the library, options, being ready, ending."""

from __future__ import annotations

import json
import signal
import socket
import sys
import urllib.request

import pytest

LIBRARY = '''
"""Says it again."""
from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task

@dataobject("tests.served_by_command")
class Said(DataObjectBase):
    text: str

@task(unary_parameters={"text": str}, unary_output_type=Said)
class SayTask(TaskBase):
    pass

@module("5e7fed00-0000-4000-8000-00000000000a", "Sayer", "1.0.0", task=SayTask)
class Sayer(ModuleBase):
    def run(self, text: str) -> Said:
        return Said(text)

    @classmethod
    def load(cls, model_path: str) -> "Sayer":
        return cls()
'''


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "project"
    (folder / "models" / "sayer").mkdir(parents=True)
    (folder / "models" / "sayer" / "config.yml").write_text(
        "module_id: 5e7fed00-0000-4000-8000-00000000000a\n"
    )
    (folder / "sayings.py").write_text(LIBRARY)
    (folder / "client.py").write_text("import caikit\n")
    return folder


def test_finds_the_library_in_the_folder(caikit, serve, folder):
    server = serve(folder)
    assert set(server.ready) == {"library", "tasks", "grpc", "http"}
    assert (server.ready["library"], server.ready["tasks"]) == ("sayings", ["SayTask"])
    for protocol in ("grpc", "http"):
        done = caikit("call", "say", "-m", "sayer", "text=hi", "-s", server.address(protocol))
        assert done.json == {"text": "hi"}
    assert server.stop() == 0
    assert "Traceback" not in server.log
    assert all(isinstance(json.loads(line), dict) for line in server.log.splitlines())


@pytest.mark.parametrize("path", ["project", "project/sayings.py", "sayings"])
def test_takes_a_path_or_a_name(serve, folder, path):
    if path == "project":
        (folder / "settings.yml").write_text("{}")
    server = serve(folder.parent, path, "--no-grpc", PYTHONPATH=str(folder) if path == "sayings" else "")
    assert server.ready["library"] == "sayings"
    assert "grpc" not in server.ready


def test_takes_a_package(serve, folder):
    package = folder / "said_often"
    package.mkdir()
    (folder / "sayings.py").rename(package / "__init__.py")
    for path in (".", "said_often", str(package)):
        server = serve(folder, path, "--no-http")
        assert server.ready["library"] == "said_often"
        assert server.stop() == 0


def test_options_count_more_than_files_environment_and_library(serve, folder, tmp_path):
    configured = "import caikit; caikit.configure(config_dict={'runtime': {'local_models_dir': 'wrong'}})\n"
    (folder / "sayings.py").write_text(configured + LIBRARY)
    (folder / "settings.yml").write_text(
        "runtime: {port: 1, local_models_dir: wrong, http: {enabled: true}}\n"
    )
    elsewhere = tmp_path / "elsewhere"
    (folder / "models").rename(elsewhere)
    server = serve(
        folder,
        *("--config", "settings.yml", "--models-dir", str(elsewhere), "--no-http", "--host", "127.0.0.1"),
        RUNTIME_GRPC_PORT="2",
        RUNTIME_HTTP_ENABLED="true",
        LOG_LEVEL="debug",
    )
    assert set(server.ready) == {"library", "tasks", "grpc"}
    assert server.ready["grpc"].startswith("127.0.0.1:")
    assert "models: sayer" in server.log


def test_settings_of_several_files(serve, folder, tmp_path):
    (folder / "one.yml").write_text(
        "runtime: {http: {route_prefix: one}, version_info: {runtime_image: x1}}\n"
    )
    (folder / "two, three.yml").write_text("runtime: {http: {route_prefix: two}}\n")
    server = serve(folder, "--no-grpc", "--config", "two, three.yml", CONFIG_FILES="one.yml")
    with urllib.request.urlopen(f"{server.ready['http']}/openapi.json") as answer:
        assert "/two/task/say" in json.load(answer)["paths"]
    with urllib.request.urlopen(f"{server.ready['http']}/info/version") as answer:
        assert json.load(answer)["runtime_version"] == "x1"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_in_good_order(serve, folder, number):
    server = serve(folder)
    assert server.stop(number) == 0
    assert "Traceback" not in server.log


def test_in_a_terminal(terminal, folder):
    options = ["--grpc-port", "0", "--http-port", "0", "--no-metrics", "--host", "127.0.0.1"]
    done = terminal("serve", *options, keys=[("Ctrl-C stops it", "\x03")], cwd=folder)
    assert done.code == 0
    (line,) = [line for line in done.out.splitlines() if line.startswith("Serving ")]
    assert line.startswith("Serving sayings (SayTask): grpc 127.0.0.1:")
    assert ", http http://127.0.0.1:" in line
    assert '"message"' not in done.out  # the log is for people, too


@pytest.mark.skipif(sys.platform != "linux", reason="workers share ports on Linux alone")
def test_workers(quick, serve, folder):
    server = serve(folder, "--workers", "2")
    assert set(server.ready) == {"library", "tasks", "grpc", "http"}
    assert "2 workers serve" in server.log
    for protocol in ("grpc", "http"):
        assert quick("call", "say", "-m", "sayer", "text=hi", "-s", server.address(protocol)).code == 0
    assert server.stop() == 0


def test_metrics(serve, folder):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = serve(folder, "--metrics", "--metrics-port", str(port))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert answer.status == 200
    assert server.stop() == 0


def test_a_port_that_is_taken(caikit, folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        options = ["--host", "127.0.0.1", "--no-metrics", "--log-level", "off"]
        for name, other in (("http", "grpc"), ("grpc", "http")):
            done = caikit("serve", f"--{name}-port", port, f"--no-{other}", *options, cwd=folder)
            assert (done.code, done.out) == (1, "")
            sentence = f"Cannot listen on port {port} (runtime.{name}.port): "
            assert done.err.startswith(f"caikit serve: error: {sentence}")
            assert not [noise for noise in ("Errno", "RuntimeError", "GRPC_VERBOSITY") if noise in done.err]
            assert done.err.count("\n") == 1


def test_no_library(caikit, tmp_path):
    done = caikit("serve")
    assert done.code == 2
    assert f"No library is in {tmp_path}: name one, set runtime.library, or make one" in done.err


def test_several_libraries(caikit, folder):
    (folder / "again.py").write_text(LIBRARY)
    done = caikit("serve", cwd=folder)
    assert done.code == 2
    assert done.err.endswith("name one of again, sayings\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("def broken(:\n", "SyntaxError: "),
        ("import nothing_like_this\n", "ModuleNotFoundError: No module named 'nothing_like_this' ("),
        ("\nraise RuntimeError('not today')\n", "RuntimeError: not today ("),
    ],
)
def test_a_library_that_cannot_be_imported(caikit, folder, content, message):
    (folder / "broken.py").write_text(content)
    done = caikit("serve", "broken.py", "--log-level", "off", cwd=folder)
    assert done.code == 1
    assert done.err.startswith(f"caikit serve: error: Library 'broken' cannot be imported: {message}")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["nothing_like_this"],
            "Library 'nothing_like_this' cannot be imported: there is no module of that name",
        ),
        (["no/where"], "There is no library at no/where"),
        (["--config", "nothing.yml"], "There is no file nothing.yml with settings"),
        (["--tls-key", "nothing.key"], "There is no file nothing.key"),
        (["--no-grpc", "--no-http"], "There is nothing to serve: "),
        (["--config", "broken.yml"], "expected YAML in "),
        (["--config", "list.yml"], "error: expected a mapping of settings, got list in "),
        (["--tls-key", "list.yml", "--tls-cert", "list.yml"], "error: runtime.tls.server: expected a "),
    ],
)
def test_what_cannot_be_served(caikit, folder, arguments, message):
    (folder / "broken.yml").write_text("a: [")
    (folder / "list.yml").write_text("- a")
    done = caikit("serve", *arguments, "--log-level", "off", cwd=folder)
    assert done.code in (1, 2)
    assert message in done.err
    assert done.out == ""
    assert done.err.count("\n") == 1
