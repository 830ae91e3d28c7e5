"""Work in a process of its own that can be stopped at any time."""

import multiprocessing
import time
from multiprocessing.synchronize import Event

from caikit.core.toolkit.concurrency.destroyable_process import DestroyableProcess


def work(started: Event) -> None:
    started.set()
    time.sleep(60)


if __name__ == "__main__":
    started = multiprocessing.get_context("fork").Event()
    process = DestroyableProcess("fork", work, args=(started,))
    process.start()
    started.wait(10)
    process.destroy()
    process.join()
    print("ran:", process.ran)
    print("destroyed:", process.destroyed)
    print("canceled:", process.canceled)
