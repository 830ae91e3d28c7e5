from __future__ import annotations

import threading
import time

import pytest

from caikit.runtime.engine import Gate, Status, WorkerPool


def test_work_runs_in_named_threads_and_never_in_more_than_allowed():
    pool = WorkerPool(3)
    names, lock, done = set(), threading.Lock(), threading.Semaphore(0)

    def work():
        with lock:
            names.add(threading.current_thread().name)
        time.sleep(0.005)
        done.release()

    for _ in range(30):
        pool.submit(work)
    assert all(done.acquire(timeout=5) for _ in range(30))
    assert names <= {"caikit_runtime_0", "caikit_runtime_1", "caikit_runtime_2"}
    assert pool.close(5)


def test_idle_threads_are_used_again():
    pool = WorkerPool(10)
    idents = set()
    for _ in range(5):
        done = threading.Event()

        def work(done=done):
            idents.add(threading.get_ident())
            done.set()

        pool.submit(work)
        assert done.wait(5)
        time.sleep(0.02)
    assert len(idents) == 1
    pool.close(5)


def test_worker_survives_a_job_that_raises():
    pool, done = WorkerPool(1), threading.Event()
    pool.submit(lambda: 1 / 0)
    pool.submit(done.set)
    assert done.wait(5)
    pool.close(5)


def test_close_finishes_waiting_work_and_reports_stuck_threads():
    pool, release, finished = WorkerPool(1), threading.Event(), []
    pool.submit(release.wait, 10)
    pool.submit(finished.append, "last")
    assert not pool.close(0.05)
    release.set()
    assert pool.close(5)
    assert finished == ["last"]


def test_gate_refuses_when_too_many_wait():
    pool, release = WorkerPool(1), threading.Event()
    gate = Gate(pool, max_queued=2)
    assert gate.refusal() is None
    started = threading.Event()
    pool.submit(lambda: (started.set(), release.wait(10)))
    assert started.wait(5)
    for _ in range(3):
        assert gate.refusal() is None
        pool.submit(lambda: None)
    refusal = gate.refusal()
    assert refusal is not None
    assert refusal.status is Status.RESOURCE_EXHAUSTED
    assert "runtime.max_queued_requests" in refusal.message
    release.set()
    assert pool.close(5)


def test_gate_refuses_when_draining():
    pool = WorkerPool(1)
    gate = Gate(pool, max_queued=None)
    gate.drain()
    refusal = gate.refusal()
    assert refusal is not None
    assert refusal.status is Status.UNAVAILABLE


def test_a_pool_needs_threads():
    with pytest.raises(ValueError, match="at least one"):
        WorkerPool(0)
