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


def wait_until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def test_quick_jobs_of_several_clients_need_few_threads():
    pool, clients = WorkerPool(50), 6

    def call_often():
        for _ in range(1000):
            done = threading.Event()
            pool.submit(done.set)
            assert done.wait(5)

    threads = [threading.Thread(target=call_often) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    started = sum(thread.name.startswith("caikit_runtime_") for thread in threading.enumerate())
    assert started <= 2 * clients
    wait_until(lambda: pool.running == 0)
    assert pool.close(5)


def test_no_job_waits_while_a_thread_is_free():
    """Jobs that block come in bursts: all must run at the same time."""
    pool = WorkerPool(8)
    for _ in range(50):
        barrier = threading.Barrier(9)
        for _ in range(8):
            pool.submit(barrier.wait, 5)
        barrier.wait(5)
    wait_until(lambda: pool.running == 0)
    assert pool.queued == 0
    assert pool.close(5)


def test_a_job_that_is_not_quick_keeps_nobody_waiting():
    """As long as jobs are quick, one thread does several of them; that must be noticed when it ends."""
    pool = WorkerPool(8)
    for _ in range(20):
        quick = [threading.Event() for _ in range(30)]
        for each in quick:
            pool.submit(each.set)
        assert all(each.wait(5) for each in quick)
        release, barrier = threading.Event(), threading.Barrier(7)
        pool.submit(release.wait, 10)
        for _ in range(6):
            pool.submit(barrier.wait, 10)
        barrier.wait(5)
        release.set()
    wait_until(lambda: pool.running == 0)
    assert pool.close(5)
    assert not any(thread.name == "caikit_runtime_line" for thread in threading.enumerate())


def test_what_waits_too_long_is_refused_and_the_rest_is_served():
    pool, release, started = WorkerPool(1, longest_wait=0.2), threading.Event(), threading.Event()
    served, refused = [], []

    def block():
        started.set()
        release.wait(10)

    for _ in range(2):
        started.clear()
        pool.submit(block)
        assert started.wait(5)
        for number in range(5):
            pool.submit(served.append, number, refuse=refused.append)
        wait_until(lambda: refused == [0, 1, 2, 3, 4])
        assert pool.queued == 0
        pool.submit(served.append, "patient")
        pool.submit(served.append, "in time", refuse=refused.append)
        release.set()
        wait_until(lambda: served == ["patient", "in time"])
        served.clear()
        refused.clear()
        release.clear()
    assert pool.close(5)


def test_a_refusal_that_fails_does_not_stop_the_others():
    pool, release, refused = WorkerPool(1, longest_wait=0.1), threading.Event(), []
    pool.submit(release.wait, 10)
    pool.submit(lambda divisor: None, 0, refuse=lambda divisor: 1 / divisor)
    pool.submit(print, refuse=lambda: refused.append(1))
    wait_until(lambda: refused)
    release.set()
    assert pool.close(5)
