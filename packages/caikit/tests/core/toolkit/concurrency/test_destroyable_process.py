"""Processes that can be stopped."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
import traceback

import pytest

from caikit.core.toolkit.concurrency.destroyable import Destroyable
from caikit.core.toolkit.concurrency.destroyable_process import (
    FORK_CTX,
    OOM_EXIT_CODES,
    SPAWN_CTX,
    DestroyableProcess,
)
from caikit.core.toolkit.concurrency.pickling_exception import PickleFailureFallbackException

WAIT = 20


def give(value=None):
    return value


def give_much():
    return b"x" * 10_000_000


def fail():
    try:
        raise KeyError("inner")
    except KeyError as inner:
        raise ValueError("outer") from inner


def sleep_long(marker=None):
    if marker:
        os.close(os.open(marker, os.O_CREAT))
    time.sleep(60)


def ignore_terminate(marker):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sleep_long(marker)


def wait_for(path):
    end = time.monotonic() + WAIT
    while not os.path.exists(path):
        assert time.monotonic() < end
        time.sleep(0.005)


def state(process):
    return {name for name in ("destroyed", "canceled", "ran", "threw") if getattr(process, name)}


class UnprintableError(Exception):
    def __repr__(self):
        raise RuntimeError

    __str__ = __repr__


def fail_unprintably():
    raise UnprintableError


class CannotBeRebuilt:
    def __reduce__(self):
        return fail, ()


@pytest.mark.parametrize("start_method", ["fork", "spawn", "forkserver"])
def test_result_larger_than_a_pipe(start_method):
    process = DestroyableProcess(start_method, give_much, return_result=True)
    assert isinstance(process, Destroyable)
    assert state(process) == set()
    assert process.get_or_throw() is None
    process.start()
    process.join(WAIT)
    assert not process.is_alive()
    assert process.completion_event.is_set()
    assert state(process) == {"ran"}
    assert len(process.get_or_throw()) == 10_000_000
    process.destroy()
    assert state(process) == {"destroyed", "ran"}
    assert len(process.get_or_throw()) == 10_000_000


@pytest.mark.parametrize("start_method", ["fork", "spawn", "forkserver"])
def test_destroy_while_running(start_method, tmp_path):
    marker = str(tmp_path / "running")
    process = DestroyableProcess(start_method, sleep_long, kwargs={"marker": marker})
    process.start()
    wait_for(marker)
    assert state(process) == set()
    assert process.get_or_throw() is None
    process.destroy()
    process.join()
    assert state(process) == {"destroyed", "canceled", "ran"}
    assert process.error is None
    assert process.exitcode == -signal.SIGTERM
    assert process.get_or_throw() is None
    assert process.completion_event.is_set()


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_exception_keeps_its_cause(start_method):
    event = (FORK_CTX if start_method == "fork" else SPAWN_CTX).Event()
    process = DestroyableProcess(start_method, fail, completion_event=event)
    process.start()
    assert event.wait(WAIT)
    assert state(process) == {"ran", "threw"}
    with pytest.raises(ValueError, match=r"^outer$") as raised:
        process.get_or_throw()
    assert raised.value is process.error
    text = "".join(traceback.format_exception(process.error))
    assert "The above exception was the direct cause of the following exception:" in text
    process.join(WAIT)


def test_result_is_returned_on_demand_only():
    process = DestroyableProcess("fork", give, None, (5,))
    process.start()
    process.join(WAIT)
    assert state(process) == {"ran"}
    assert process.get_or_throw() is None


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (137, MemoryError("Process died with OOM error!")),
        (9, MemoryError("Process died with OOM error!")),
        (3, RuntimeError("Process died with exit code 3")),
        (0, None),
    ],
)
@pytest.mark.parametrize("leave", [os._exit, sys.exit])
def test_exit_codes(code, error, leave):
    process = DestroyableProcess("fork", leave, args=(code,))
    process.start()
    assert process.completion_event.wait(WAIT)
    assert repr(process.error) == repr(error)
    assert state(process) == ({"ran", "threw"} if error else {"ran"})


def test_killed_by_somebody_else(tmp_path):
    marker = str(tmp_path / "running")
    process = DestroyableProcess("fork", sleep_long, args=(marker,), description="Training process")
    process.start()
    wait_for(marker)
    os.kill(process.pid, signal.SIGKILL)
    assert process.completion_event.wait(WAIT)
    assert -signal.SIGKILL in OOM_EXIT_CODES
    with pytest.raises(MemoryError, match=r"^Training process died with OOM error!$"):
        process.get_or_throw()


def test_a_process_that_will_not_end_is_killed(tmp_path):
    marker = str(tmp_path / "running")
    process = DestroyableProcess("fork", ignore_terminate, args=(marker,), destroy_grace_period=0.1)
    process.start()
    wait_for(marker)
    process.destroy()
    assert process.exitcode == -signal.SIGKILL
    assert state(process) == {"destroyed", "canceled", "ran"}
    assert process.error is None


def start_another(start_method):
    process = DestroyableProcess(start_method, give, args=(5,), return_result=True)
    process.start()
    process.join(WAIT)
    return process.get_or_throw()


@pytest.mark.parametrize(("outer", "inner"), [("fork", "fork"), ("fork", "spawn"), ("spawn", "fork")])
def test_processes_start_processes(outer, inner):
    process = DestroyableProcess(outer, start_another, args=(inner,), return_result=True)
    process.start()
    process.join(WAIT)
    alive = process.is_alive()
    process.destroy()
    assert not alive
    assert process.get_or_throw() == 5


def test_many_at_once():
    processes = [DestroyableProcess("fork", give, args=(number,), return_result=True) for number in range(24)]
    threads = [threading.Thread(target=process.start) for process in processes]
    for thread in threads:
        thread.start()
    for thread, process in zip(threads, processes, strict=True):
        thread.join(WAIT)
        process.join(WAIT)
    assert [process.get_or_throw() for process in processes] == list(range(24))


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_destroyed_by_several_threads(start_method):
    process = DestroyableProcess(start_method, sleep_long)
    process.start()
    threads = [threading.Thread(target=process.destroy) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert state(process) == {"destroyed", "canceled", "ran"}
    assert process.exitcode == -signal.SIGTERM


def test_exceptions_that_cannot_be_shown_arrive():
    process = DestroyableProcess("fork", fail_unprintably)
    process.start()
    process.join(WAIT)
    with pytest.raises(PickleFailureFallbackException, match=r"^UnprintableError$"):
        process.get_or_throw()


def test_results_that_cannot_be_rebuilt_are_errors():
    process = DestroyableProcess("fork", CannotBeRebuilt, return_result=True)
    process.start()
    process.join(WAIT)
    with pytest.raises(ValueError, match=r"^outer$"):
        process.get_or_throw()


def test_work_that_cannot_be_sent_is_refused_at_the_start():
    process = DestroyableProcess("spawn", lambda: 5)
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        process.start()
    assert state(process) == set()
    process.destroy()
    assert process.completion_event.is_set()


def test_the_child_logs_what_it_raised(capfd):
    process = DestroyableProcess("spawn", fail)
    process.start()
    process.join(WAIT)
    logged = capfd.readouterr().err
    assert "<COR69863806E>" in logged
    assert "Caught exception in destroyable process: ValueError('outer')" in logged


def test_asking_too_early_is_logged(caplog):
    assert DestroyableProcess("fork", give).get_or_throw() is None
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_destroy_before_start():
    process = DestroyableProcess("fork", fail)
    process.destroy()
    process.start()
    process.join()
    assert state(process) == {"destroyed", "canceled", "threw"}
    assert process.completion_event.is_set()
    with pytest.raises(RuntimeError, match=r"^Not starting work on pre-canceled process$"):
        process.get_or_throw()


def test_unpicklable_result_is_an_error():
    process = DestroyableProcess("fork", give, args=(threading.Lock(),), return_result=True)
    process.start()
    process.join(WAIT)
    with pytest.raises(TypeError, match="pickle"):
        process.get_or_throw()


def test_join_with_timeout_and_start_from_a_thread(tmp_path):
    marker = str(tmp_path / "running")
    process = DestroyableProcess("fork", sleep_long, args=(marker,), name="sleeper", daemon=True)
    starter = threading.Thread(target=process.start)
    starter.start()
    starter.join()
    wait_for(marker)
    process.join(0.01)
    assert process.is_alive()
    assert (process.name, process.daemon) == ("sleeper", True)
    process.destroy()
    assert not process.is_alive()


def test_unknown_start_method():
    message = r"^value check failed: Unsupported start_method on \w+: bogus. Supported options are \['fork', "
    with pytest.raises(ValueError, match=message):
        DestroyableProcess("bogus", give)
