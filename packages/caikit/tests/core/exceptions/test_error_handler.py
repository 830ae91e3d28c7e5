"""Checks and raising, with their log lines."""

from __future__ import annotations

import fractions
import logging
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterable

import alog
import pytest

from caikit.core.exceptions import error_handler

CODE = "<TST12345678E>"
error = error_handler.get(alog.use_channel("TEST-ERRORS"))


@pytest.mark.parametrize(
    ("check", "args", "kwargs", "expected"),
    [
        ("type_check", (), {"data": 1}, RuntimeError("invalid type check: no types specified")),
        ("type_check", (str,), {}, RuntimeError("invalid type check: no variables specified")),
        (
            "type_check",
            (str,),
            {"fine": "", "data": 1, "more": 2},
            TypeError(
                "type check failed: variable `data` has type `int` (fully qualified name `builtins.int`) "
                "not in `('str',)`"
            ),
        ),
        (
            "type_check",
            (str, bytes),
            {"data": fractions.Fraction(1), "allow_none": True},
            TypeError(
                "type check failed: variable `data` has type `Fraction` (fully qualified name "
                "`fractions.Fraction`) not in `('str', 'bytes', 'NoneType')`"
            ),
        ),
        (
            "type_check_all",
            (str,),
            {"data": "text"},
            TypeError("type check failed: variable `data` has type `str` not in `('Iterable',)`"),
        ),
        (
            "type_check_all",
            (str,),
            {"data": 1, "allow_none": True},
            TypeError("type check failed: variable `data` has type `int` not in `('Iterable', 'NoneType')`"),
        ),
        (
            "type_check_all",
            (int,),
            {"data": (number for number in [1])},
            TypeError("type check failed: variable `data` has type `generator` not in `('Iterable',)`"),
        ),
        (
            "type_check_all",
            (int, str),
            {"data": [1, None], "allow_none": True},
            TypeError("type check failed: element of `data` has type `NoneType` not in `('int', 'str')`"),
        ),
        ("subclass_check", (int,), {}, RuntimeError("invalid subclass check: no parent_classes given")),
        (
            "subclass_check",
            (int, float),
            {},
            TypeError("subclass check failed: <class 'int'> is not a subclass of (<class 'float'>,)"),
        ),
        (
            "subclass_check",
            ("text", float),
            {},
            TypeError("subclass check failed: text is not a subclass of (<class 'float'>,)"),
        ),
        ("value_check", ([],), {}, ValueError("value check failed: ")),
        ("value_check", (0, "{a} %d"), {}, ValueError("value check failed: {a} %d")),
        ("value_check", (None, "{} {}", 1, 2), {}, ValueError("value check failed: 1 2")),
        ("value_check", (False, "%d too small", 1), {}, ValueError("value check failed: %d too small")),
        ("value_check", (False, "{} {}", 1), {}, ValueError("value check failed: {} {} (1,)")),
        ("file_check", ("/missing",), {}, FileNotFoundError("File path `/missing` does not exist")),
        ("file_check", (__file__, "/"), {}, FileNotFoundError("Path `/` is not a file")),
        ("dir_check", ("/missing",), {}, FileNotFoundError("Directory path `/missing` does not exist")),
        ("dir_check", (__file__,), {}, NotADirectoryError(f"Path `{__file__}` is not a directory")),
    ],
)
def test_failing_checks(caplog, check, args, kwargs, expected):
    with pytest.raises(type(expected)) as raised:
        getattr(error, check)(CODE, *args, **kwargs)
    assert str(raised.value) == str(expected)
    assert len(caplog.records) == 1
    assert caplog.records[0].levelno == logging.ERROR
    assert caplog.records[0].msg == {"log_code": CODE, "message": f"exception raised: {raised.value!r}"}


@pytest.mark.parametrize(
    ("check", "args", "kwargs"),
    [
        ("type_check", (str, int), {"data": 1, "more": "", "flag": True}),
        ("type_check", (str,), {"data": None, "allow_none": True}),
        ("type_check", (Iterable,), {"data": {}, "self": [], "log_code": []}),
        ("type_check_all", (int,), {"data": [1], "more": (), "some": {1: ""}, "octets": b"a"}),
        ("type_check_all", (int,), {"data": None, "allow_none": True}),
        ("subclass_check", (bool, str, int), {}),
        ("subclass_check", (None, str), {"allow_none": True}),
        ("value_check", (1, "{}"), {}),
        ("file_check", (__file__, pathlib.Path(__file__), __file__.encode()), {}),
        ("file_check", (), {}),
        ("dir_check", (), {}),
        ("dir_check", ("/",), {}),
    ],
)
def test_passing_checks(caplog, check, args, kwargs):
    assert getattr(error, check)(CODE, *args, **kwargs) is None
    assert not caplog.records


def test_checks_can_be_switched_off(temp_config):
    with pytest.raises(TypeError):
        error.type_check(CODE, str, data=1)
    temp_config({"enable_error_checks": False})
    error.type_check(CODE, str, data=1)
    error.type_check(CODE)
    error.type_check_all(CODE, str, data=1)
    error.subclass_check(CODE, int)
    error.value_check(CODE, False)
    error.file_check(CODE, "/missing")
    error.dir_check(CODE, "/missing")
    with pytest.raises(KeyError):
        error(CODE, KeyError("a"))
    temp_config({"enable_error_checks": True})
    with pytest.raises(ValueError):
        error.value_check(CODE, False)


def test_one_handler_per_channel():
    assert error_handler.get(alog.use_channel("TEST-ERRORS")) is error
    assert error_handler.get(logging.getLogger("TEST-OTHER")) is not error
    assert error_handler.ErrorHandler(error.log_chan).log_chan is error.log_chan
    assert error_handler.ErrorHandler.log_raise is error_handler.ErrorHandler.__call__


def test_one_exception_is_logged_a_few_times_only(caplog):
    failure = ValueError("boom")
    for _ in range(14):
        with pytest.raises(ValueError):
            error.log_raise(CODE, failure)
    assert failure._caikit_core_nexception_log_messages == 13
    messages = [record.msg["message"] for record in caplog.records]
    assert messages[:4] == ["exception raised: ValueError('boom')"] * 4
    assert messages[4:] == [
        "reached MAX_EXCEPTION_LOG_MESSAGES of `4`, will no log exception `ValueError('boom')` "
    ]


@pytest.mark.parametrize(("limit", "lines"), [(1, 2), (0, 1), ("text", 5), (None, 5)])
def test_limit_of_log_lines(caplog, temp_config, limit, lines):
    temp_config({"max_exception_log_messages": limit})
    caplog.clear()
    failure = ValueError("boom")
    for _ in range(8):
        with pytest.raises(ValueError):
            error.log_raise(CODE, failure)
    assert len(caplog.records) == lines


class UnprintableError(Exception):
    def __repr__(self):
        raise RuntimeError


class UnchangeableError(Exception):
    def __setattr__(self, name, value):
        raise AttributeError(name)


@pytest.mark.parametrize("failure", [UnprintableError("a"), UnchangeableError("a")])
def test_odd_exceptions_are_raised_and_logged(caplog, failure):
    with pytest.raises(type(failure)) as raised:
        error(CODE, failure)
    assert raised.value is failure
    assert len(caplog.records) == 1
    with pytest.raises(ValueError) as raised:
        error(CODE, ValueError("outer"), failure)
    assert raised.value.__cause__ is failure


def test_open_files_are_files(tmp_path):
    with open(tmp_path / "a", "w") as file:
        error.file_check(CODE, file.fileno())


def test_root_exception(caplog):
    with pytest.raises(ValueError) as raised:
        error(CODE, ValueError("outer"), KeyError("root"))
    assert isinstance(raised.value.__cause__, KeyError)
    assert "ValueError('outer')" in caplog.records[0].msg["message"]
    assert "KeyError('root')" in caplog.records[0].msg["message"]


def test_only_exceptions_can_be_raised():
    with pytest.raises(TypeError, match=f"^{CODE}: expected an exception to raise, got 'text' of type str$"):
        error(CODE, "text")


def test_without_logging(caplog):
    with error_handler.without_logging(), pytest.raises(ValueError):
        error.value_check(CODE, False)
    assert not caplog.records


EXAMPLE = """
from caikit.core.exceptions import error_handler
import alog
import caikit

log = alog.use_channel("DEMO")
error = error_handler.get(log)
caikit.configure(config_dict={"data": "Hello world", "param": 1})
cfg = caikit.get_config()
alog.configure(
    default_level=cfg.log.level,
    filters=cfg.log.filters,
    formatter=cfg.log.formatter,
    thread_id=cfg.log.thread_id,
)
error.type_check("<DMO00255362E>", str, data=cfg.data)
error.value_check("<DMO62491029E>", cfg.param > 0, "Invalid param value (%d). Must be > 0", cfg.param)
print(cfg.data * cfg.param)
"""


@pytest.mark.parametrize(
    ("variables", "printed", "logged"),
    [
        ({}, "Hello world\n", ""),
        ({"DATA": "123"}, "", '"log_code": "<DMO00255362E>", "message": "exception raised: TypeError('),
        ({"PARAM": "0"}, "", "ValueError: value check failed: Invalid param value (%d). Must be > 0\n"),
    ],
)
def test_documented_example(variables, printed, logged):
    result = subprocess.run(
        [sys.executable, "-c", EXAMPLE],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.stdout == printed
    assert logged in result.stderr
