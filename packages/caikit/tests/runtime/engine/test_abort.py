"""Interruptions that come at the worst moment."""

from __future__ import annotations

import importlib
import random
import sys
import threading
import time

from caikit.runtime.engine import CancelToken, Uninterrupted, end_early
from caikit.runtime.engine.abort import call_abortable

SECONDS = 10.0


class StopError(Exception):
    pass


class Work(threading.Thread):
    """Calls a function again and again until it is interrupted."""

    def __init__(self, function) -> None:
        super().__init__(daemon=True)
        self.token = CancelToken()
        self.began = threading.Event()
        self.stopped = False
        self._function = function

    def run(self) -> None:
        try:
            call_abortable(self.token, StopError, self._repeat)
        except StopError:
            self.stopped = True

    def _repeat(self) -> None:
        self.began.set()
        while True:
            self._function()


def interrupted(function, pause: float) -> Work:
    work = Work(function)
    work.start()
    assert work.began.wait(SECONDS)
    time.sleep(pause)
    work.token.cancel()
    work.join(SECONDS)
    return work


def start_threads() -> None:
    for _ in range(20):
        threading.Thread(target=int).start()
    time.sleep(0.002)


def test_while_a_thread_is_started():
    choose = random.Random(1)
    for _ in range(50):
        assert interrupted(start_threads, choose.uniform(0, 0.005)).stopped


def test_while_a_module_is_imported(tmp_path, monkeypatch):
    counts = tmp_path / "counts"
    code = f"import time\nfile = open({str(counts)!r}, 'a', buffering=1)\nfile.write('(')\ntime.sleep(0.02)\nfile.write(')')\nfile.close()\n"
    (tmp_path / "slow_to_import.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)

    def import_again() -> None:
        sys.modules.pop("slow_to_import", None)
        importlib.import_module("slow_to_import")
        time.sleep(0.02)

    choose = random.Random(1)
    for _ in range(10):
        assert interrupted(import_again, choose.uniform(0, 0.05)).stopped
    whole = counts.read_text()
    assert whole == "()" * (len(whole) // 2)


def test_what_must_not_be_torn_apart():
    ended, steps = threading.Event(), []

    def hold() -> None:
        with Uninterrupted():
            end_early(ended.set)
            assert ended.wait(SECONDS)
            while len(steps) < 1000:
                steps.append("whole")
        steps.append("torn")

    assert interrupted(hold, 0.01).stopped
    assert steps == ["whole"] * 1000
