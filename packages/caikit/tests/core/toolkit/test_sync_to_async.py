"""Blocking iterables in asynchronous code."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from caikit.core.toolkit.sync_to_async import async_wrap_iter


async def test_items_come_in_order():
    assert [item async for item in async_wrap_iter(range(100))] == list(range(100))


async def test_iterables_interleave():
    iterators = [async_wrap_iter(range(number, number + 3)) for number in (0, 10)]
    found = [await anext(iterators[number % 2]) for number in range(6)]
    assert found == [0, 10, 1, 11, 2, 12]
    for iterator in iterators:
        await iterator.aclose()


async def test_exception_comes_after_the_items():
    def failing():
        yield 1
        raise ValueError("boom")

    iterator = async_wrap_iter(failing())
    assert await anext(iterator) == 1
    with pytest.raises(ValueError, match="boom"):
        await anext(iterator)


async def test_work_is_submitted_at_once():
    with ThreadPoolExecutor(1) as pool:
        release = threading.Event()
        pool.submit(release.wait, 5)
        iterator = async_wrap_iter([1], pool=pool)
        assert pool._work_queue.qsize() == 1
        release.set()
        assert [item async for item in iterator] == [1]


async def test_producer_runs_one_item_ahead():
    produced = []
    source = (produced.append(number) or number for number in range(100))
    iterator = async_wrap_iter(source)
    await anext(iterator)
    await asyncio.sleep(0.05)
    assert len(produced) <= 3
    await iterator.aclose()


@pytest.mark.parametrize("started", [True, False])
async def test_abandoned_work_ends(started):
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    with ThreadPoolExecutor(1) as pool:
        iterator = async_wrap_iter(endless(), pool=pool)
        if started:
            await anext(iterator)
            await iterator.aclose()
        else:
            del iterator
            gc.collect()
        assert await asyncio.to_thread(closed.wait, 5)


async def test_the_loop_is_not_blocked():
    def slow():
        time.sleep(0.2)
        yield 1

    ticks = 0
    iterator = async_wrap_iter(slow())
    task = asyncio.ensure_future(anext(iterator))
    while not task.done():
        await asyncio.sleep(0.01)
        ticks += 1
    assert ticks > 3
    assert task.result() == 1
    assert [item async for item in iterator] == []


def test_needs_a_running_loop():
    with pytest.raises(RuntimeError):
        async_wrap_iter([1])
