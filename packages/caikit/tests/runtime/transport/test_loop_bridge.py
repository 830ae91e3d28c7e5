"""The way of jobs from an event loop to workers, and of results back."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from caikit.runtime.engine import WorkerPool
from caikit.runtime.transport._loop_bridge import LoopBridge

SECONDS = 10.0


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request):
    if request.param == "uvloop":
        loop = pytest.importorskip("uvloop").new_event_loop()
    else:
        loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(params=[1, 8])
def pool(request):
    pool = WorkerPool(request.param)
    yield pool
    assert pool.close(SECONDS)


class Desk:
    """Submits jobs in a loop and collects their results there."""

    def __init__(self, loop, pool):
        self.bridge = LoopBridge(loop)
        self.loop = loop
        self.pool = pool
        self.results = []
        self.threads = set()
        self._wanted = None

    def submit(self, function, *args):
        self.bridge.submit(self.pool, self._work, function, *args)

    def _work(self, function, *args):
        self.bridge.call(self._take, function(*args))

    def _take(self, result):
        self.results.append(result)
        self.threads.add(threading.current_thread())
        if self._wanted is not None and not self._wanted[1].done() and len(self.results) >= self._wanted[0]:
            self._wanted[1].set_result(None)

    async def wait_for(self, count):
        self._wanted = (count, self.loop.create_future())
        if len(self.results) < count:
            await asyncio.wait_for(self._wanted[1], SECONDS)


@pytest.fixture
def desk(loop, pool):
    return Desk(loop, pool)


def test_jobs_of_one_turn_are_all_done(loop, desk):
    async def submit():
        for number in range(500):
            desk.submit(str, number)
        await desk.wait_for(500)

    loop.run_until_complete(submit())
    assert sorted(map(int, desk.results)) == list(range(500))
    assert desk.threads == {threading.current_thread()}


def test_turn_after_turn(loop, desk):
    async def submit():
        for turn in range(200):
            desk.submit(str, turn)
            await desk.wait_for(turn + 1)

    loop.run_until_complete(submit())
    assert desk.results == [str(turn) for turn in range(200)]


def test_a_result_wakes_a_loop_that_sleeps(loop, desk):
    async def submit():
        desk.submit(time.sleep, 0.05)
        desk.submit(time.sleep, 0.1)
        await desk.wait_for(2)

    loop.run_until_complete(submit())
    assert desk.results == [None, None]


@pytest.mark.parametrize("pool", [8], indirect=True)
@pytest.mark.parametrize("quick_before", [0, 300])
def test_a_slow_job_keeps_nobody_waiting(loop, desk, quick_before):
    """Also when all jobs before were quick, so that one thread has done them."""
    release = threading.Event()

    async def submit():
        for number in range(quick_before):
            desk.submit(str, number)
        await desk.wait_for(quick_before)
        for _ in range(3):
            desk.submit(release.wait, SECONDS)
            for number in range(20):
                desk.submit(str, number)
        await desk.wait_for(quick_before + 60)
        assert True not in desk.results
        release.set()
        await desk.wait_for(quick_before + 63)

    loop.run_until_complete(submit())
    assert desk.results[-3:] == [True] * 3


@pytest.mark.parametrize("pool", [8], indirect=True)
def test_a_slow_job_does_not_stop_the_loop(loop, desk):
    release = threading.Event()
    ticks = []

    async def submit():
        desk.submit(release.wait, SECONDS)
        for _ in range(20):
            await asyncio.sleep(0.001)
            ticks.append(1)
        release.set()
        await desk.wait_for(1)

    loop.run_until_complete(submit())
    assert len(ticks) == 20


def test_callbacks_may_submit_more(loop, desk):
    left = [100]

    def again():
        if left[0]:
            left[0] -= 1
            desk.bridge.submit(desk.pool, desk.bridge.call, again)
        else:
            desk.submit(str, "end")

    async def submit():
        again()
        await desk.wait_for(1)

    loop.run_until_complete(submit())
    assert desk.results == ["end"]


def test_nobody_waits_for_results_after_the_end(loop, desk):
    loop.close()
    desk.bridge.call(desk.results.append, 1)
    assert desk.results == []


def test_jobs_that_free_threads_are_about_to_take_do_not_wait(loop, desk, pool):
    release = threading.Event()

    async def submit():
        for _ in range(pool.size + 2):
            desk.submit(release.wait, SECONDS)
        assert pool.queued == 2
        release.set()
        await desk.wait_for(pool.size + 2)

    loop.run_until_complete(submit())


def test_a_callback_that_fails_costs_only_itself(loop, desk):
    async def submit():
        def fail():
            raise RuntimeError("no")

        desk.bridge.call(fail)
        desk.bridge.call(desk.results.append, 1)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    loop.run_until_complete(submit())
    assert desk.results == [1]
