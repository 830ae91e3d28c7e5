"""Fields keep the numbers that a lock has for them."""

# ruff: noqa: UP006, UP007, UP035, UP045 - how a type is spelled is part of what is tested
from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
import sys
import uuid
from typing import Any, Dict, List, Optional, Union

import numpy as np
import pytest

from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task
from caikit.core.data_model.json_dict import JsonDict
from caikit.runtime.names import ServiceType
from caikit.runtime.services._lock import LockError

PACKAGE = "tests.interface_lock"


@dataobject(PACKAGE)
class Locked(DataObjectBase):
    text: str


@task(unary_parameters={"text": str}, unary_output_type=Locked)
class LockTask(TaskBase):
    pass


def made(run, train=None, module_id=None):
    """A module with these methods."""
    members = {"run": run, "__module__": __name__}
    if train is not None:
        members["train"] = classmethod(train)
    cls = type("Lockable", (ModuleBase,), members)
    return module(id=module_id or str(uuid.uuid4()), name="Lock", version="0.0.1", task=LockTask)(cls)


def with_parameters(**parameters):
    """A module whose `run` has these optional parameters, in this order, after the text."""

    def run(self, text, **kwargs):
        return Locked(text)

    source = ", ".join(f"{name}=None" for name in parameters)
    names: dict[str, Any] = {"Locked": Locked}
    exec(f"def run(self, text, {source}): return Locked(text)", names)
    names["run"].__annotations__ = {"text": str, **parameters, "return": Locked}
    return made(names["run"])


def numbers(message):
    return {field.name: field.number for field in message.DESCRIPTOR.fields}


@pytest.fixture
def lock(tmp_path):
    return tmp_path / "interface.lock"


@pytest.fixture
def build(serve, lock):
    """The request message of one module under the lock, under a name that other builds do not have."""

    def build_message(cls, lock_path=lock):
        package = serve(
            cls, backwards_compatibility={"lock_path": str(lock_path)} if lock_path is not None else {}
        )
        return package.messages.LockTaskRequest

    return build_message


@pytest.fixture
def relocked(serve, lock, temp_config):
    """Numbers of a module's request under a lock with these fields."""

    def build(cls, fields, retired=()):
        from caikit.runtime.names import get_service_package_name
        from caikit.runtime.service_factory import ServicePackageFactory

        package = f"tests.p{uuid.uuid4().hex}"
        name = f"{package}.LockTaskRequest"
        lock.write_text(
            json.dumps({"format": 1, "messages": {name: fields}, "retired": {name: list(retired)}})
        )
        temp_config(
            {
                "runtime": {
                    "library": __name__.partition(".")[0],
                    "service_generation": {
                        "package": package,
                        "domain": "Sample",
                        "module_guids": {"included": [cls.MODULE_ID]},
                        "backwards_compatibility": {"lock_path": str(lock)},
                    },
                }
            }
        )
        assert get_service_package_name() == package
        built = ServicePackageFactory.get_service_package(ServiceType.INFERENCE)
        return numbers(built.messages.LockTaskRequest)

    return build


def test_numbers_stay_when_a_parameter_is_inserted_first(relocked):
    cls = with_parameters(new=int, times=int)
    assert relocked(cls, ["string text = 1", "int64 times = 2"]) == {"text": 1, "new": 3, "times": 2}


def test_numbers_stay_when_parameters_change_their_order(relocked):
    cls = with_parameters(b=str, a=int)
    assert relocked(cls, ["string text = 1", "int64 a = 2", "string b = 3"]) == {"text": 1, "a": 2, "b": 3}


def test_numbers_of_what_is_gone_stay_free(relocked):
    cls = with_parameters(new=str)
    assert relocked(cls, ["string text = 1", "int64 gone = 7"]) == {"text": 1, "new": 8}
    assert relocked(cls, ["string text = 1"], ["string older = 9"]) == {"text": 1, "new": 10}


def test_what_comes_back_gets_its_number_back(relocked):
    cls = with_parameters(back=int)
    assert relocked(cls, ["string text = 1", "bool b = 4"], ["int64 back = 2"]) == {"text": 1, "back": 2}


def test_another_type_is_another_field(relocked):
    cls = with_parameters(times=str)
    assert relocked(cls, ["string text = 1", "int64 times = 2"]) == {"text": 1, "times": 3}


def test_members_of_a_union_have_their_own_numbers(relocked):
    cls = with_parameters(u=Union[bytes, str, int])
    before = ["string text = 1", "int64 u_int = 2", "string u_str = 3"]
    assert relocked(cls, before) == {"text": 1, "u_bytes": 4, "u_str": 3, "u_int": 2}


EVERYTHING = {
    "a": int,
    "b": np.float32,
    "c": datetime.datetime,
    "d": JsonDict,
    "e": Any,
    "f": Locked,
    "g": List[str],
    "h": Dict[str, int],
    "i": Optional[List[Locked]],
    "j": Union[int, str, Locked],
    "k": Union[List[str], List[int], bool],
    "l": Union[bytes, JsonDict, datetime.datetime],
    "m": np.uint64,
    "n": Dict[int, float],
    "o": List[np.float64],
    "p": Union[List[Locked], str],
}


def test_every_type_is_described_as_it_stands_in_the_interface_file(build, relocked, tmp_path):
    cls = with_parameters(**EVERYTHING)
    free = build(cls, None)
    fields = [
        line.strip(" ;").removeprefix("optional ")
        for line in free.to_proto_file().splitlines()
        if re.search(r" = \d+;", line) and "values = 1" not in line
    ]
    assert len(fields) == len(numbers(free))
    locked = relocked(cls, sorted(fields, reverse=True))
    # Lists of data objects in unions travel in messages of their own, which are described as what they hold.
    assert locked.pop("p_locked_sequence") > 0
    expected = numbers(free)
    del expected["p_locked_sequence"]
    assert locked == expected


def test_a_lock_that_is_missing_stops_the_build(build, lock):
    with pytest.raises(LockError, match=r"interface\.lock: there is no such file; caikit-render-interfaces"):
        build(with_parameters(a=int))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "expected JSON"),
        ("[]", "expected an object with 'format': 1"),
        ('{"format": 2}', "expected an object with 'format': 1"),
        ('{"format": 1, "messages": {"m": ["string a"]}}', "expected a field such as 'string name = 1', got"),
        ('{"format": 1, "messages": {"m": [5]}}', "expected a field such as"),
        ('{"format": 1, "messages": {"m": ["string a = 0"]}}', "expected a field such as"),
        (
            '{"format": 1, "messages": {"m": ["string a = 1", "int64 b = 1"]}}',
            "m: a and b have the number 1",
        ),
        (
            '{"format": 1, "messages": {"m": ["string a = 1"]}, "retired": {"m": ["int64 b = 1"]}}',
            "m: a and b have the number 1",
        ),
    ],
)
def test_locks_that_say_nothing_sensible(build, lock, text, problem):
    lock.write_text(text)
    with pytest.raises(LockError, match=problem):
        build(with_parameters(a=int))


LIBRARY = """
from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task
from caikit.core.data_model import DataStream

@dataobject("locked_lib")
class Answer(DataObjectBase):
    text: str

@task(unary_parameters={"text": str}, unary_output_type=Answer)
class AskTask(TaskBase):
    pass

@module("8f72161-0000-49b0-8fd0-7587b3017a35", "Asker", "0.0.1", AskTask)
class Asker(ModuleBase):
    def run(self, text: str, RUN) -> Answer:
        return Answer(text)

    @classmethod
    def train(cls, TRAIN) -> "Asker":
        return cls()
"""


@pytest.fixture
def dump(tmp_path):
    """The command line for a library with these parameters; returns exit code and what it has printed."""

    def run_command(*arguments, run="times: int = 1", train="data: DataStream[str], rate: float = 0.5"):
        (tmp_path / "locked_lib.py").write_text(LIBRARY.replace("RUN", run).replace("TRAIN", train))
        environment = {
            **os.environ,
            "PYTHONPATH": str(tmp_path),
            "PYTHONDONTWRITEBYTECODE": "1",
            "RUNTIME_LIBRARY": "locked_lib",
            "RUNTIME_HTTP_ENABLED": "false",
        }
        command = [sys.executable, "-m", "caikit.runtime.dump_services", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=30, check=False
        )
        return done.returncode, done.stderr

    return run_command


def test_write_and_check(dump, tmp_path):
    lock = tmp_path / "interface.lock"
    code, printed = dump("--check-lock", "--lock", "interface.lock")
    assert (code, "there is no such file" in printed) == (1, True)
    assert not lock.exists()

    assert dump("out", "-p", "--write-lock", "--lock", "interface.lock")[0] == 0
    first = lock.read_text()
    content = json.loads(first)
    assert content["messages"]["caikit.runtime.LockedLib.AskTaskRequest"] == [
        "string text = 1",
        "int64 times = 2",
    ]
    assert content["messages"]["caikit.runtime.LockedLib.AskTaskAskerTrainParameters"] == [
        "caikit.runtime.LockedLib.DataStreamSourceStr data = 1",
        "double rate = 2",
    ]
    assert content["rpcs"]["/caikit.runtime.LockedLib.LockedLibService/AskTaskPredict"] == (
        "caikit.runtime.LockedLib.AskTaskRequest -> locked_lib.Answer"
    )
    assert dump("--check-lock", "--lock", "interface.lock") == (0, "")
    dump("out", "-p", "--write-lock", "--lock", "interface.lock")
    assert lock.read_text() == first

    changed = {"run": "first: bool = True, times: str = '1'", "train": "rate: float = 0.5"}
    code, printed = dump("--check-lock", "--lock", "interface.lock", **changed)
    assert code == 1
    assert (
        "Not as in the lock: caikit.runtime.LockedLib.AskTaskRequest: field times was int64, now it is string"
        in printed
    )
    assert "caikit.runtime.LockedLib.AskTaskAskerTrainParameters: field data is gone" in printed
    assert lock.read_text() == first

    code, printed = dump("out", "-p", "-c", "--write-lock", "--lock", "interface.lock", **changed)
    assert (code, "Changed for clients of the last lock" in printed) == (0, True)
    content = json.loads(lock.read_text())
    assert content["messages"]["caikit.runtime.LockedLib.AskTaskRequest"] == [
        "string text = 1",
        "bool first = 3",
        "string times = 4",
    ]
    assert content["retired"] == {
        "caikit.runtime.LockedLib.AskTaskAskerTrainParameters": [
            "caikit.runtime.LockedLib.DataStreamSourceStr data = 1"
        ],
        "caikit.runtime.LockedLib.AskTaskRequest": ["int64 times = 2"],
    }
    dumped = (tmp_path / "out" / "caikit_runtime_LockedLib.proto").read_text()
    assert "optional bool first = 3;" in dumped
    assert "optional string times = 4;" in dumped
    assert dump("--check-lock", "--lock", "interface.lock", **changed) == (0, "")


def test_an_rpc_that_is_gone_is_told(dump):
    dump("out", "--write-lock", "--lock", "interface.lock")
    # A type that no message can have leaves out one RPC with its jobs, and nothing else.
    code, printed = dump("--check-lock", "--lock", "interface.lock", run="größe: int = 1")
    assert code == 1
    assert "RPC /caikit.runtime.LockedLib.LockedLibService/AskTaskPredict is gone" in printed
    assert "Train" not in printed.replace("Training", "")


def test_a_lock_that_is_not_up_to_date(dump):
    dump("out", "--write-lock", "--lock", "interface.lock")
    code, printed = dump("--check-lock", "--lock", "interface.lock", run="times: int = 1, more: bool = False")
    assert code == 1
    assert "interface.lock does not describe all of the interface: write it with --write-lock" in printed


def test_a_build_that_fails_leaves_no_lock(dump, tmp_path):
    code, _ = dump("out", "--write-lock", "--lock", "interface.lock", run="this is no parameter")
    assert code != 0
    assert not (tmp_path / "interface.lock").exists()


def test_a_folder_or_a_check_is_asked_for(dump):
    code, printed = dump()
    assert (code, "output_dir" in printed) == (2, True)
    code, printed = dump("--check-lock")
    assert (code, "No lock is configured" in printed) == (1, True)


def test_strict_tells_all_that_was_left_out(dump):
    assert dump("out", "--strict") == (0, "")
    code, printed = dump(
        "out", "--strict", run="bad: object = None, worse: dict = None", train="größe: int = 1"
    )
    assert code == 1
    told = [line for line in printed.splitlines() if line.startswith("Left out: ")]
    assert len(told) == 3
    assert "parameter 'bad' of locked_lib.Asker.run" in told[0]
    assert "parameter 'worse' of locked_lib.Asker.run" in told[1]
    assert "AskTaskAskerTrain of locked_lib.Asker.train is not served" in told[2]
