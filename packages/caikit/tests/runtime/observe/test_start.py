"""What a program says at its start, and how it ends when that fails or is interrupted."""

from __future__ import annotations

import json
import signal

import pytest


def lines_of(program) -> list[dict]:
    return [json.loads(line) for line in program.lines]


@pytest.mark.parametrize(
    "name", ["caikit.runtime", "caikit.runtime.grpc_server", "caikit.runtime.http_server"]
)
@pytest.mark.parametrize(
    ("runtime", "sentence"),
    [
        (
            {"trace": {"enabled": True, "protocol": "udp"}},
            "expected grpc or http as runtime.trace.protocol, got 'udp'",
        ),
        (
            {"tls": {"server": {"key": "none", "cert": "none"}}},
            "runtime.tls.server.key: expected PEM text or the path of a file, found neither",
        ),
        (
            {"tls": {"server": {"key": "-----BEGIN PRIVATE KEY-----"}}},
            "runtime.tls.server: expected a key and a cert, or no runtime.tls at all",
        ),
        (
            {"server_thread_pool_size": "many"},
            "expected a whole number as runtime.server_thread_pool_size, got 'many'",
        ),
        ({"transport": "pigeon"}, "expected native or standard as runtime.transport, got 'pigeon'"),
    ],
)
def test_settings_that_cannot_be_used_are_told_in_one_sentence(start_program, name, runtime, sentence):
    program = start_program("-m", name, **runtime)
    assert program.finish() == 1
    (error,) = (line for line in lines_of(program) if line["level"] == "error")
    assert error["log_code"] == "<RUN61240122E>"
    assert sentence in error["message"]
    assert error["exception"] is None


def test_what_is_wrong_with_the_log_is_told_all_the_same(start_program):
    program = start_program("-m", "caikit.runtime", log={"formatter": "fancy"})
    assert program.finish() == 1
    (line,) = lines_of(program)
    assert "expected json or pretty as log.formatter, got 'fancy'" in line["message"]


def test_a_configuration_that_is_not_there(start_program):
    code = "import os, runpy; os.environ['CONFIG_FILES'] = 'none.yml'; runpy.run_module('caikit.runtime', run_name='__main__')"
    program = start_program("-c", code)
    assert program.finish() == 1
    (line,) = lines_of(program)
    assert "<none.yml> does not exist" in line["message"]


def test_lines_from_before_the_log_is_set_up_have_its_form(start_program):
    code = "import os, runpy; os.environ['RUNTIME_GRPC_PORT'] = 'abc'; runpy.run_module('caikit.runtime', run_name='__main__')"
    program = start_program("-c", code)
    assert program.finish() == 1
    (early,) = (line for line in lines_of(program) if line["level"] == "warning")
    assert (early["channel"], early["log_code"]) == ("CONFIG", "<CFG71420386W>")
    assert "RUNTIME_GRPC_PORT" in early["message"]
    assert "expected a whole number as runtime.grpc.port, got 'abc'" in lines_of(program)[-1]["message"]


def test_a_server_without_a_library_serves_no_tasks_and_says_so(start_program):
    program = start_program("-m", "caikit.runtime", library="")
    program.port("http")
    program.process.terminate()
    assert program.finish() == 0
    warnings = [line["message"] for line in lines_of(program) if line["level"] == "warning"]
    assert "No tasks are served: runtime.library is not set" in warnings


def test_a_library_that_imports_no_modules_serves_no_tasks_and_says_so(start_program, tmp_path):
    (tmp_path / "bare_lib.py").write_text("NOTHING = True\n")
    code = (
        "import runpy, sys; sys.path.insert(0, '.'); runpy.run_module('caikit.runtime', run_name='__main__')"
    )
    program = start_program("-c", code, library="bare_lib")
    program.port("http")
    program.process.terminate()
    assert program.finish() == 0
    (warning,) = (line for line in lines_of(program) if line.get("log_code") == "<RUN76884781W>")
    assert warning["level"] == "warning"
    assert "no module with a task was found when bare_lib was imported" in warning["message"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", [("-m", "caikit.runtime"), ("-m", "caikit", "serve")])
def test_a_signal_between_the_starts_of_two_servers_ends_both(start_program, command, number):
    program = start_program(*command)
    program.port("grpc")
    program.process.send_signal(number)
    assert program.finish() == 0
    assert f"received interrupt signal {int(number)}" in "".join(program.output)
    assert "Traceback" not in "".join(program.output)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_first_server_ends_the_program(start_program, number, tmp_path):
    (tmp_path / "slow_library.py").write_text("import time; print('importing', flush=True); time.sleep(30)")
    program = start_program("-m", "caikit.runtime", library="slow_library")
    program.read_until("importing")
    program.process.send_signal(number)
    assert program.finish() == 128 + number
    assert "Traceback" not in "".join(program.output)
