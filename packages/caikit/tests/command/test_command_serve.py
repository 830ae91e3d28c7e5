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


def test_metrics(caikit, serve, folder):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = serve(folder, "--metrics", "--metrics-port", str(port))
    done = caikit("call", "say", "-m", "sayer", "text=hi", "-s", server.address("grpc"))
    assert done.json == {"text": "hi"}
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        figures = [
            line for line in answer.read().decode().splitlines() if "grpc_server_handled_total{" in line
        ]
    described = [line for line in figures if '"ServerReflectionInfo"' in line]
    assert any('"OK"' in line for line in described)
    assert [line for line in described if '"CANCELLED"' in line] == []
    done = caikit("call", "say", "-m", "sayer", "text=hi", "-s", f"127.0.0.1:{port}")
    assert done.code == 1
    assert done.err.endswith("; name its gRPC port: those of metrics and of HTTP do not speak gRPC\n")
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


@pytest.mark.skipif(sys.platform != "linux", reason="workers share ports on Linux alone")
def test_workers_that_cannot_start(caikit, folder):
    (folder / "bad.pem").write_text("none")
    (folder / "abc.yml").write_text("runtime: {http: {port: abc}}\n")
    options = ["--workers", "2", "--host", "127.0.0.1", "--no-grpc", "--no-metrics"]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for arguments, sentence in (
            (["--http-port", port], f"Cannot listen on port {port} (runtime.http.port): "),
            (
                ["--http-port", "0", "--tls-key", "bad.pem", "--tls-cert", "bad.pem"],
                "runtime.tls.server: expected a ",
            ),
            (["--config", "abc.yml"], "expected a whole number as runtime.http.port, got 'abc'"),
        ):
            done = caikit("serve", *arguments, *options, cwd=folder)
            assert (done.code, done.out) == (1, "")
            assert done.err.splitlines()[-1].startswith(f"caikit serve: error: {sentence}")
            assert "Traceback" not in done.err


@pytest.mark.parametrize("more", [["--debug"], ["--workers", "2"], []])
def test_what_is_doubtful_in_the_configuration_is_in_the_log_once(serve, folder, more):
    if more[:1] == ["--workers"] and sys.platform != "linux":
        pytest.skip("workers share ports on Linux alone")
    (folder / "settings.yml").write_text("runtime: {lazy_load_local_modles: true}\n")
    server = serve(folder, "--config", "settings.yml", "--no-grpc", *more, RUNTIME_HTTP_PROT="5")
    warnings = [line for line in map(json.loads, server.log.splitlines()) if line["level"] == "warning"]
    told = [line["message"] for line in warnings if line["log_code"] == "<CFG71420386W>"]
    assert len(told) == 2
    assert any("lazy_load_local_modles in " in message for message in told)
    assert any("RUNTIME_HTTP_PROT; did you mean RUNTIME_HTTP_PORT?" in message for message in told)


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


REFUSED = """from caikit.core import DataObjectBase, TaskBase, dataobject, task


@dataobject("tests.command.refused")
class Answer(DataObjectBase):
    text: str


@task(unary_parameters={"text": "str"}, unary_output_type=Answer)
class RefusedTask(TaskBase):
    pass
"""


def test_the_line_of_the_library_that_is_refused(caikit, folder):
    (folder / "refused.py").write_text(REFUSED)
    done = caikit("serve", "refused.py", "--log-level", "off", cwd=folder)
    assert done.code == 1
    assert "TypeError: expected a type for RefusedTask.text, got the text 'str'" in done.err
    assert done.err.endswith(f"({folder / 'refused.py'}, line 9)\n")


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
        (["--config", "abc.yml"], "error: expected a whole number as runtime.http.port, got 'abc'"),
        (["--config", "list.yml"], "error: expected a mapping of settings, got list in "),
        (["--tls-key", "list.yml", "--tls-cert", "list.yml"], "error: runtime.tls.server: expected a "),
    ],
)
def test_what_cannot_be_served(caikit, folder, arguments, message):
    (folder / "broken.yml").write_text("a: [")
    (folder / "abc.yml").write_text("runtime: {http: {port: abc}}")
    (folder / "list.yml").write_text("- a")
    done = caikit("serve", *arguments, "--log-level", "off", cwd=folder)
    assert done.code in (1, 2)
    assert message in done.err
    assert done.out == ""
    assert done.err.count("\n") == 1
