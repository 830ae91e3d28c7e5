"""Room for the pixels of many callers, of whom some are interrupted, as those of cancelled requests are."""

from __future__ import annotations

import ctypes
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from caikit_computer_vision.images._budget import PixelBudget


class InterruptionError(Exception):
    pass


def interrupt(thread: threading.Thread) -> None:
    number = ctypes.c_ulong(thread.ident or 0)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(number, ctypes.py_object(InterruptionError))


def test_never_more_than_there_is_room_for() -> None:
    budget, lock = PixelBudget(), threading.Lock()
    now = most = 0

    def work(pixels: int) -> None:
        nonlocal now, most
        with budget.share(pixels, 10):
            with lock:
                now += pixels
                most = max(most, now)
            time.sleep(0.002)
            with lock:
                now -= pixels

    threads = [threading.Thread(target=work, args=[1 + number % 4]) for number in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert 5 < most <= 10


def test_one_that_is_too_large_goes_alone_and_in_its_turn() -> None:
    budget, order = PixelBudget(), []

    def work(name: str, pixels: int) -> None:
        with budget.share(pixels, 10):
            order.append(name)

    threads = [threading.Thread(target=work, args=each) for each in (("large", 50), ("small", 1))]
    with budget.share(9, 10):
        for thread in threads:
            thread.start()
            time.sleep(0.05)
        assert order == []
    for thread in threads:
        thread.join(5)
    assert order == ["large", "small"]


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns so often that an interruption comes anywhere."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(2e-5)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("restless")
def test_who_is_interrupted_leaves_nothing_behind() -> None:
    budget, dice = PixelBudget(), random.Random(3)
    ends = time.monotonic() + 3

    def work() -> None:
        while time.monotonic() < ends:
            try:
                for _ in range(100):
                    with budget.share(6, 10):
                        pass
            except InterruptionError:
                continue

    threads = [threading.Thread(target=_until_the_end, args=[work], daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    while time.monotonic() < ends:
        interrupt(dice.choice(threads))
        time.sleep(dice.random() * 0.0003)
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    began = time.monotonic()
    with budget.share(10, 10):
        assert time.monotonic() - began < 1


def _until_the_end(work: Callable[[], None]) -> None:
    """An interruption may come between two `try` blocks as well."""
    while True:
        try:
            work()
            return
        except InterruptionError:
            continue
