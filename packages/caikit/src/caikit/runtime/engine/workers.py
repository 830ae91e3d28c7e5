"""The threads that serve requests."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import alog

from ._bell import Bell, make_bell
from ._line_watch import LineWatch

log = alog.use_channel("WORKERS")

# As long as jobs are quicker than this, one thread does those that come together: waking another costs more.
_QUICK_SECONDS = 0.001
# A job that has waited so long, although jobs are quick, waits behind one that is not.
_PATIENCE_SECONDS = 0.002
_SWEEPS_PER_WAIT = 8
_LONGEST_SWEEP_SECONDS = 1.0


class _Job(threading.local):
    since: float | None = None
    """When the job that this thread does came, in seconds of `time.monotonic`."""


JOB = _Job()

# Function, arguments, refusal, and when it came.
_Waiting = tuple[Callable[..., object], tuple[Any, ...], Callable[..., object] | None, float]


class WorkerPool:
    """A fixed number of threads, started when they are needed; work that finds no free thread waits in line.

    A job that was submitted with `refuse` waits no longer than `longest_wait` seconds.
    """

    def __init__(self, size: int, *, name: str = "caikit_runtime", longest_wait: float | None = None) -> None:
        if size < 1:
            raise ValueError(f"expected at least one worker thread, got {size}")
        self.size = size
        self.longest_wait = longest_wait
        self._name = name
        self._line: deque[_Waiting] = deque()
        # One bell per thread that has nothing to do. Operations of lists and deques are atomic.
        self._parked: list[Bell] = []
        # A thread was woken and did not look at the line yet. One is enough: it wakes the next if more is to do,
        # so quick jobs that come together are done by one thread, without a switch of threads for each.
        self._waking = False
        self._quick = False
        """The jobs that were done last were quick ones."""
        self._threads: list[threading.Thread] = []
        self._watch = LineWatch(self._look, name=f"{name}_line")
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def submit(
        self, function: Callable[..., object], *args: Any, refuse: Callable[..., object] | None = None
    ) -> None:
        """Run a function in a worker. Never blocks, never fails; the function must not raise.

        When it has waited too long, `refuse` is called in its place, with the same arguments; it must not block.
        """
        self.put(function, *args, refuse=refuse)
        self.wake()

    def put(
        self, function: Callable[..., object], *args: Any, refuse: Callable[..., object] | None = None
    ) -> None:
        """The same, but the job may not begin before the next `wake`, which can be that of several jobs."""
        self._line.append((function, args, refuse, time.monotonic()))

    def wake(self) -> None:
        """See to it that somebody does what waits in line."""
        if self._line and not self._waking:
            self._wake()

    @property
    def queued(self) -> int:
        """How many jobs wait for a thread, beside those that free ones are about to take."""
        waiting = len(self._line)
        if not waiting:
            return 0
        free = self.size - len(self._threads) + len(self._parked) + self._waking
        return max(0, waiting - free)

    @property
    def running(self) -> int:
        """How many threads are busy."""
        return len(self._threads) - len(self._parked)

    def close(self, timeout: float | None = None) -> bool:
        """End the threads after the work that is waiting; tells whether all ended in time."""
        with self._lock:
            self._closed.set()
            threads = [*self._threads]
        while self._wake_parked():
            pass
        deadline = None if timeout is None else time.monotonic() + timeout
        for thread in threads:
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        # It looks after the line until nobody waits.
        self._watch.close()
        return not any(thread.is_alive() for thread in threads)

    def _wake(self) -> None:
        if self._wake_parked():
            return
        if len(self._threads) < self.size:
            self._start_thread()
        elif self.longest_wait is not None:
            self._watch.ask()

    def _wake_parked(self) -> bool:
        try:
            bell = self._parked.pop()
        except IndexError:
            return False
        self._waking = True
        bell.ring()
        return True

    def _start_thread(self) -> None:
        with self._lock:
            if self._closed.is_set() or len(self._threads) >= self.size:
                return
            # Daemon: a thread stuck in foreign code must not keep the process alive.
            thread = threading.Thread(
                target=self._work, name=f"{self._name}_{len(self._threads)}", daemon=True
            )
            self._threads.append(thread)
        self._waking = True
        try:
            thread.start()
        except RuntimeError:
            # The system has no thread to give: the work waits for one that we have.
            self._waking = False
            self._threads.remove(thread)
            log.warning("<RUN61530299W>", "No thread could be started; %d serve", len(self._threads))

    def _work(self) -> None:
        bell = make_bell()
        try:
            self._do_jobs(bell)
        finally:
            bell.close()

    def _do_jobs(self, bell: Bell) -> None:
        line = self._line
        self._waking = False
        while True:
            try:
                function, args, _, since = line.popleft()
            except IndexError:
                if not self._park(bell):
                    return
                continue
            if line and not self._waking:
                if self._quick:
                    self._watch.ask()
                else:
                    self._wake()
            JOB.since = since
            began = time.monotonic()
            try:
                function(*args)
            except BaseException as error:
                log.error("<RUN61530297E>", "A worker caught what nobody else did: %r", error, exc_info=True)
            self._quick = time.monotonic() - began < _QUICK_SECONDS
            # An idle thread must not keep the last request alive.
            del function, args

    def _park(self, bell: Bell) -> bool:
        """Sleep until there may be something to do; False at the end of the pool."""
        self._parked.append(bell)
        if self._line or self._closed.is_set():
            # It came after the look at the line, maybe before there was a bell to ring.
            try:
                self._parked.remove(bell)
                return bool(self._line)
            except ValueError:
                pass
        bell.wait()
        self._waking = False
        return bool(self._line) or not self._closed.is_set()

    # The line

    def _look(self) -> float | None:
        """Called as long as there is a line: after how many seconds to look again, None if there is none."""
        try:
            waited = time.monotonic() - self._line[0][3]
        except IndexError:
            return None
        if waited < _PATIENCE_SECONDS:
            return _PATIENCE_SECONDS
        self._quick = False
        if not self._waking:
            self._wake()
        longest = self.longest_wait
        if longest is None:
            return _PATIENCE_SECONDS
        while waited > longest and self._refuse_first(longest):
            pass
        if self._parked or len(self._threads) < self.size:
            return _PATIENCE_SECONDS
        return min(longest / _SWEEPS_PER_WAIT, _LONGEST_SWEEP_SECONDS)

    def _refuse_first(self, longest_wait: float) -> bool:
        """Refuse the first in the line if it has waited too long."""
        try:
            job = self._line.popleft()
        except IndexError:
            return False
        _, args, refuse, since = job
        if refuse is None or time.monotonic() - since < longest_wait:
            self._line.appendleft(job)
            if not self._waking:
                self._wake_parked()
            return False
        try:
            refuse(*args)
        except Exception as error:
            log.error("<RUN61530298E>", "A request could not be refused: %r", error, exc_info=True)
        return True
