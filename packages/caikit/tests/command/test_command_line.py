"""The command as a whole: help, exit codes, what it costs to start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from caikit import __version__

COMMANDS = ["call", "dump", "jobs", "models", "new", "serve", "tasks", "train"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(caikit, command):
    done = caikit(command, "--help")
    assert done.code == 0
    assert f"usage: caikit {command}" in done.out
    assert "\nexamples:\n  caikit" in done.out or "\nexamples:\n  cd" in done.out
    assert max(map(len, done.out.splitlines())) <= 110


def test_help_lists_the_commands(caikit):
    done = caikit("--help")
    assert done.code == 0
    assert all(f"\n    {command} " in done.out for command in COMMANDS)


def test_version(caikit):
    assert caikit("--version").out == f"caikit {__version__}\n"


def test_without_a_command_help_goes_to_standard_error(caikit):
    done = caikit()
    assert (done.code, done.out) == (2, "")
    assert "usage: caikit" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "invalid choice: 'nothing'"),
        (["call"], "required: TASK"),
        (["call", "x", "--nothing"], "unrecognized arguments: --nothing"),
        (
            ["call", "x", "--nothing", "a=1", "--more=2"],
            "error: unrecognized arguments: --nothing --more=2\n",
        ),
        (["train", "X", "-m", "m", "a=1", "--nothing", "y"], "error: unrecognized arguments: --nothing\n"),
        (["tasks", "a", "b"], "unrecognized arguments: b"),
        (["call", "x", "--timeout", "-1"], "expected seconds greater than 0, got '-1'"),
        (["call", "x", "--timeout", "soon"], "expected seconds greater than 0, got 'soon'"),
        (["serve", "--http-port", "70000"], "expected a port from 0 to 65535, got '70000'"),
        (["jobs", "forget", "x"], "invalid choice: 'forget'"),
    ],
)
def test_wrong_arguments(caikit, arguments, message):
    done = caikit(*arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["models", "load", "x"], "models load takes ID PATH, got x"),
        (["models", "list", "x"], "models list takes nothing more, got x"),
        (["models", "unload", "x", "--local"], "--local goes with list, not with unload"),
        (["models", "--library", "x"], "--library and --config go with --local: a server has its own"),
        (["tasks", "--config", "x"], "--library and --config go with --local: a server has its own"),
        (["train", "X", "--output-dir", "x"], "--library, --config and --output-dir go with --local: "),
        (
            ["call", "x", "-s", "ftp://x"],
            "expected grpc, grpcs, http or https in front of ://, got 'ftp://x'",
        ),
        (["call", "x", "-s", "host:99999"], "expected host:port as the server, got 'host:99999'"),
        (["call", "x", "-s", "host/path"], "expected host:port as the server, got 'host/path'"),
        (["call", "x", "-s", "grpc://host", "--http"], "--http does not go with 'grpc://host'"),
        (["call", "x", "-H", "nothing"], "expected NAME=VALUE as a header, got 'nothing'"),
        (["call", "x", "-H", "grpc-timeout=1S"], "'grpc-timeout' cannot be the name of metadata"),
        (["call", "x", "--insecure"], "GRPC does not support insecure TLS connections"),
        (["call", "x", "--cert", "nothing"], "Both cert and key must be provided"),
    ],
)
def test_arguments_that_cannot_be_meant(caikit, arguments, message):
    done = caikit(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"caikit {arguments[0]}: error: ")
    assert message in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("command", [["tasks", "--local"], ["models", "--local"], ["dump", "interfaces"]])
def test_what_is_doubtful_in_the_configuration_is_told(caikit, tmp_path, command):
    (tmp_path / "doubted.py").write_text("import caikit\n")
    (tmp_path / "settings.yml").write_text("runtime: {library: doubted, local_models_dri: models}\n")
    done = caikit(*command, "--config", "settings.yml")
    assert "did you mean runtime.local_models_dir?" in done.err
    assert done.err.count("warning: Unknown key runtime.local_models_dri in ") == 1
    assert "No library is in " not in done.err
    told = caikit("--debug", *command, "--config", "settings.yml").err
    assert told.count("local_models_dri") == 1
    assert "No library is in " not in told


def test_debug_shows_where_an_error_comes_from(caikit):
    assert "Traceback" not in caikit("call", "x", "-s", "ftp://x").err
    for arguments in (["--debug", "call", "x", "-s", "ftp://x"], ["call", "x", "-s", "ftp://x", "--debug"]):
        done = caikit(*arguments)
        assert done.code == 1
        assert "Traceback" in done.err


def test_errors_are_red_on_terminals_that_want_colours(terminal):
    arguments = ["call", "x", "-s", "ftp://x"]
    assert "\x1b[31merror:\x1b[0m expected grpc" in terminal(*arguments).out
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "call: error: expected grpc" in terminal(*arguments, **environment).out


def test_what_standard_output_cannot_show_is_escaped(caikit):
    done = caikit("call", "ärger", "-s", "localhost:1", PYTHONIOENCODING="ascii")
    assert done.code == 1
    done = caikit("call", "x", "-s", "ä/b", PYTHONIOENCODING="ascii")
    assert "got '\\xe4/b'" in done.err


def test_control_characters_are_shown_not_sent(terminal):
    done = terminal("call", "x", "-s", "a/\x1b[2Jb")
    assert "\x1b[2J" not in done.out


def test_help_is_cheap():
    """The CPU time of the whole process, the interpreter's start included."""
    seconds = []
    for _ in range(5):
        process = subprocess.Popen([sys.executable, "-m", "caikit", "--help"], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        seconds.append(usage.ru_utime + usage.ru_stime)
    assert min(seconds) < 0.1


def test_import_is_light():
    program = "import caikit.command, json, sys; print(json.dumps(sorted(sys.modules)))"
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    loaded = set(json.loads(output))
    assert not loaded & {"aconfig", "alog", "google.protobuf", "grpc", "logging", "numpy", "requests", "yaml"}


def test_nothing_imports_the_command():
    source = Path(__file__).parents[2] / "src" / "caikit"
    outside = [path for path in source.rglob("*.py") if path.parent != source / "command"]
    users = [
        path for path in outside if "caikit.command" in path.read_text() or ".command " in path.read_text()
    ]
    assert users == [source / "__main__.py"]
