"""One caller at a time for libraries that change the whole process."""

from __future__ import annotations

import threading

from caikit.core.toolkit.concurrency.library_lock import library_lock


def test_others_wait() -> None:
    name = "tests.library_lock"
    entered = threading.Event()

    def enter() -> None:
        with library_lock(name):
            entered.set()

    with library_lock(name), library_lock(name):
        other = threading.Thread(target=enter)
        other.start()
        assert not entered.wait(0.1)
        with library_lock("tests.another_library"):
            assert not entered.is_set()
    other.join(5)
    assert entered.is_set()
