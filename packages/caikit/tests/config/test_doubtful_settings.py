"""Warnings about settings that cannot mean what was written."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest

import caikit
from caikit.config.config import preserved


@pytest.fixture
def warnings_of(caplog):
    def collect(*paths, **settings):
        caplog.clear()
        with caplog.at_level(logging.WARNING, "CONFIG"):
            for path in paths:
                caikit.configure(path)
            if settings:
                caikit.configure(config_dict=settings)
        return [record.msg["message"] for record in caplog.records]

    with preserved():
        yield collect


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        (
            {"runtime": {"grpc": {"prot": 1}}},
            "Unknown key runtime.grpc.prot in config_dict; did you mean runtime.grpc.port?",
        ),
        ({"runtme": {}}, "Unknown key runtme in config_dict; did you mean runtime?"),
        (
            {"runtime.grpc.port": 1},
            "Unknown key runtime.grpc.port in config_dict; did you mean runtime.grpc.port?",
        ),
        (
            {"runtime": {"enable_training": False}},
            "Unknown key runtime.enable_training in config_dict; did you mean runtime.service_generation.enable_training?",
        ),
        (
            {"log": {"nonsense": 1}},
            "Unknown key log.nonsense in config_dict; the keys of log are level, filters, channel_width, thread_id, formatter",
        ),
        (
            {"model_management": {"finders": {"mine": {"typ": "LOCAL"}}}},
            "Unknown key model_management.finders.mine.typ in config_dict; did you mean model_management.finders.mine.type?",
        ),
        (
            {"model_management": {"finder": {}}},
            "Unknown key model_management.finder in config_dict; did you mean model_management.finders?",
        ),
        (
            {"inference_plugin": {"model_meshh": {}}},
            "Unknown key inference_plugin.model_meshh in config_dict; did you mean inference_plugin.model_mesh?",
        ),
        ({"runtime": None}, "Wrong value of runtime in config_dict; expected a mapping, got None"),
        (
            {"runtime": {"grpc": {"port": "80a"}}},
            "Wrong value of runtime.grpc.port in config_dict; expected a number, got '80a'",
        ),
        (
            {"enable_error_checks": "no"},
            "Wrong value of enable_error_checks in config_dict; expected true or false, got 'no'",
        ),
        (
            {"merge_strategy": "overide"},
            "Wrong value of merge_strategy in config_dict; expected merge or override, got 'overide', which stands for merge",
        ),
    ],
)
def test_doubtful(warnings_of, settings, warning):
    assert warnings_of(**settings) == [warning]
    assert warnings_of(**settings) == []


@pytest.mark.parametrize(
    "settings",
    [
        {"embedding": {"retries": 5}, "module_backends": {"configs": {"a": {"b": 1}}}, "load_path": "models"},
        {"model_management": {"trainers": {"mine": {"type": "X", "config": {"anything": {"at": "all"}}}}}},
        {"model_management": {"finders": {"default": {"import_class": "a.B", "config": {"any": 1}}}}},
        {"data_streams": {"source_plugins": {"mine": {"type": "X", "config": {"any": 1}}}}},
        {"runtime": {"grpc": {"options": {"grpc.max": 1}}, "http": {"server_config": {"any": 1}}}},
        {"runtime": {"batching": {"my_model": {"size": 5}}}},
        {"inference_plugin": {"other": {"any": 1}, "model_mesh": {"model_size_multipliers": {"any": 1}}}},
        {"runtime": {"version_info": {"python_packages": {"all": True, "mine": "1.2"}}}},
        {"libraries": {"my_lib": {"version": "1", "module_path": "my_lib"}}},
        {
            "config_files": [],
            "log": {"level": None},
            "runtime": {"load_threads": None, "grpc": {"port": None}},
        },
    ],
)
def test_not_doubtful(warnings_of, settings):
    assert warnings_of(**settings) == []


def test_files_are_named(warnings_of, tmp_path):
    path = tmp_path / "mine.yml"
    path.write_text("runtime: {libary: a}")
    message = f"Unknown key runtime.libary in {path}; did you mean runtime.library?"
    assert warnings_of(str(path)) == [message]


def test_extra_files_are_named_once(warnings_of, tmp_path):
    path = tmp_path / "extra.yml"
    path.write_text("log: {levle: a}")
    message = f"Unknown key log.levle in {path}; did you mean log.level?"
    assert warnings_of(config_files=str(path)) == [message]
    assert warnings_of(other=1) == []


@pytest.mark.parametrize(
    ("name", "value", "warning"),
    [
        (
            "RUNTIME_GRPC_PROT",
            "1",
            "No key has the environment variable RUNTIME_GRPC_PROT; did you mean RUNTIME_GRPC_PORT?",
        ),
        (
            "MYLIB_BATCH_SIZ",
            "1",
            "No key has the environment variable MYLIB_BATCH_SIZ; did you mean MYLIB_BATCH_SIZE?",
        ),
        (
            "RUNTIME_GRPC_PORT",
            "tcp://10.0.0.1:80",
            "Wrong value of the environment variable RUNTIME_GRPC_PORT; expected a number, got 'tcp://10.0.0.1:80'",
        ),
        (
            "RUNTIME_SERVICE_GENERATION_TASK_TYPES_EXCLUDED",
            "OneTask, OtherTask",
            "Wrong value of the environment variable RUNTIME_SERVICE_GENERATION_TASK_TYPES_EXCLUDED; expected a list such as [first, second], got 'OneTask, OtherTask', which is ignored",
        ),
        (
            "MYLIB_NAMES",
            "5",
            "Wrong value of the environment variable MYLIB_NAMES; expected a list such as [first, second], got 5, which is ignored",
        ),
        ("MYLIB_NAMES", "[OneTask]", None),
        ("RUNTIME_SERVICE_GENERATION_TASK_TYPES_EXCLUDED", "", None),
        ("RUNTIME_SERVICE_PORT", "1", None),
        ("RUNTIME_PORT_8085_TCP", "tcp://10.0.0.1:8085", None),
        ("LOG_DIR", "/var/log", None),
    ],
)
def test_environment(warnings_of, monkeypatch, name, value, warning):
    monkeypatch.setenv(name, value)
    assert warnings_of(mylib={"batch_size": 1, "names": ["a"]}) == ([] if warning is None else [warning])
    assert warnings_of(mylib={"batch_size": 2}) == []


def test_nothing_is_said_about_the_packaged_defaults():
    program = "import logging; logging.basicConfig(); import caikit; caikit.get_config()"
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    result = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert result.stderr == ""
