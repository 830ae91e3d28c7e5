"""Threads that can be stopped."""

from __future__ import annotations

import threading
import time

import pytest

from caikit.core.toolkit.concurrency.destroyable_thread import DestroyableThread, ThreadDestroyedException

WAIT = 10


def state(thread):
    return {name for name in ("destroyed", "canceled", "ran", "threw") if getattr(thread, name)}


def spin(started, seconds=WAIT):
    started.set()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.001)


def fail(error):
    raise error


def run(thread):
    thread.start()
    thread.join(WAIT)
    return thread


def test_success():
    event = threading.Event()
    thread = DestroyableThread(lambda *args, **kwargs: (args, kwargs), 1, work_done_event=event, a=2)
    assert (thread.runnable_args, thread.runnable_kwargs, thread.work_done_event) == ((1,), {"a": 2}, event)
    assert state(thread) == set()
    assert thread.get_or_throw() is None
    run(thread)
    assert state(thread) == {"ran"}
    assert event.is_set()
    assert thread.get_or_throw() == ((1,), {"a": 2})
    thread.destroy()
    assert state(thread) == {"destroyed", "ran"}
    assert thread.get_or_throw() == ((1,), {"a": 2})


def test_destroy_while_running():
    started = threading.Event()
    thread = DestroyableThread(spin, started)
    thread.start()
    started.wait(WAIT)
    thread.destroy()
    assert state(thread) >= {"destroyed", "canceled"}
    thread.join(WAIT)
    assert state(thread) == {"destroyed", "canceled", "ran", "threw"}
    assert thread.work_done_event.is_set()
    with pytest.raises(ThreadDestroyedException, match="destroyed by its lifecycle manager"):
        thread.get_or_throw()


def test_exception():
    error = ValueError("boom")
    thread = run(DestroyableThread(fail, error))
    assert state(thread) == {"ran", "threw"}
    assert thread.error is error
    assert thread.work_done_event.is_set()
    with pytest.raises(ValueError) as raised:
        thread.get_or_throw()
    assert raised.value is error


def test_system_exit():
    thread = run(DestroyableThread(fail, SystemExit(2)))
    assert state(thread) == {"ran", "threw"}
    assert thread.error is None
    with pytest.raises(SystemExit):
        thread.get_or_throw()


def test_destroy_before_start(monkeypatch):
    caught = []
    monkeypatch.setattr(threading, "excepthook", caught.append)
    thread = DestroyableThread(fail, ValueError())
    thread.destroy()
    run(thread)
    assert state(thread) == {"destroyed", "canceled"}
    assert thread.error is None
    assert thread.work_done_event.is_set()
    assert [hook.exc_type for hook in caught] == [ThreadDestroyedException]


def test_code_can_catch_the_interruption():
    started = threading.Event()

    def work():
        try:
            spin(started)
        except Exception as caught:
            return type(caught)

    thread = DestroyableThread(work)
    thread.start()
    started.wait(WAIT)
    thread.destroy()
    thread.join(WAIT)
    assert state(thread) == {"destroyed", "canceled", "ran"}
    assert thread.get_or_throw() is ThreadDestroyedException


def test_destroy_at_any_moment_leaves_a_finished_thread():
    for round_number in range(60):
        started = threading.Event()
        thread = DestroyableThread(spin, started, 0.001)
        thread.start()
        started.wait(WAIT)
        time.sleep(round_number / 30_000)
        thread.destroy()
        thread.join(WAIT)
        assert thread.ran
        assert thread.work_done_event.is_set()
        assert thread.error is None or isinstance(thread.error, ThreadDestroyedException)


def test_a_blocking_call_is_finished_first():
    started, slept = threading.Event(), threading.Event()

    def work():
        started.set()
        time.sleep(0.2)
        slept.set()
        spin(threading.Event())

    thread = DestroyableThread(work)
    thread.start()
    started.wait(WAIT)
    begin = time.monotonic()
    thread.destroy()
    thread.destroy()
    assert time.monotonic() - begin < 0.1
    thread.join(WAIT)
    assert not slept.is_set()
    assert isinstance(thread.error, ThreadDestroyedException)


def test_a_thread_destroys_itself():
    def work():
        thread.destroy()
        spin(threading.Event())

    thread = DestroyableThread(work)
    run(thread)
    assert state(thread) == {"destroyed", "canceled", "ran", "threw"}


class UnprintableError(Exception):
    def __repr__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "level", "code"),
    [
        (ThreadDestroyedException(), "INFO", "<COR15827563I>"),
        (ValueError("boom"), "WARNING", "<COR16788843W>"),
        (UnprintableError(), "WARNING", "<COR16788843W>"),
    ],
)
def test_failures_are_logged(caplog, error, level, code):
    with caplog.at_level("INFO"):
        run(DestroyableThread(fail, error))
    record = caplog.records[-1]
    assert (record.levelname, record.msg["log_code"]) == (level, code)
    assert set(record.msg) >= {"log_code", "message", "stack_trace"}
    assert type(error).__name__ in record.msg["stack_trace"]


def test_threads_keep_the_program_alive():
    assert not DestroyableThread(fail, ValueError()).daemon
    assert issubclass(DestroyableThread, threading.Thread)
