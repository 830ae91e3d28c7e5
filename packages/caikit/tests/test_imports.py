"""What importing the package does, and what it does not."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import caikit
import caikit.core

HEAVY = [
    "PIL",
    "fastapi",
    "google.protobuf",
    "grpc",
    "httpx",
    "numpy",
    "pandas",
    "requests",
    "starlette",
    "uvicorn",
]

PROGRAM = """
import json, logging, signal, sys, threading, time, warnings
def state():
    return [
        list(sys.path), [str(entry) for entry in warnings.filters], threading.active_count(),
        [str(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
        len(logging.getLogger().handlers), logging.getLogger().level,
    ]
before, started = state(), time.process_time()
import {module}
seconds = time.process_time() - started
{more}
print(json.dumps({{"changed": state() != before, "modules": sorted(sys.modules), "seconds": seconds}}))
"""


def imported(module, more=""):
    program = PROGRAM.format(module=module, more=more)
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    ).stdout
    return json.loads(output)


@pytest.mark.parametrize("module", ["caikit", "caikit.core"])
def test_import_is_light_and_without_effects(module):
    result = imported(module)
    assert not set(HEAVY) & set(result["modules"])
    assert not result["changed"]
    assert result["seconds"] < 0.06


def test_configuration_is_light():
    result = imported("caikit", "caikit.get_config()")
    assert not set(HEAVY) & set(result["modules"])
    assert not result["changed"]


def test_import_works_where_no_directory_can_be_made():
    program = """
import os
def refuse(*args, **kwargs):
    raise PermissionError
os.makedirs = refuse
import caikit.core
for name in caikit.core.__all__:
    getattr(caikit.core, name)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize("package", [caikit, caikit.core, caikit.core.toolkit])
def test_every_public_name_is_there(package):
    for name in package.__all__:
        assert getattr(package, name) is not None
        assert name in dir(package)


def test_unknown_names():
    with pytest.raises(AttributeError, match=r"^module 'caikit.core' has no attribute 'no_such'$"):
        _ = caikit.core.no_such
    with pytest.raises(ImportError):
        exec("from caikit import no_such")


ORDERS = [
    "import caikit.core.task; import caikit.core",
    "import caikit.core; caikit.core.task; import caikit.core.task",
    "from caikit.core.task import TaskBase; import caikit.core",
    "from caikit.core.modules import ModuleBase; import caikit.core",
]


@pytest.mark.parametrize("order", ORDERS)
def test_task_and_module_are_decorators(order):
    program = f"""
{order}
import sys, types
from caikit.core import module, task
assert isinstance(task, types.FunctionType) and caikit.core.task is task, task
assert callable(module) and not isinstance(module, types.ModuleType)
assert sys.modules["caikit.core.task"].task is task
assert caikit.core.module is caikit.module
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


def test_version():
    assert caikit.__version__ == ".".join(map(str, caikit.__version_tuple__))
