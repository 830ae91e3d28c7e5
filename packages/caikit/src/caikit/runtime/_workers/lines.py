"""Jobs that wait in lines."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

Job = Callable[[], object]


class Lines:
    """Runs jobs in threads: those of one line in their order, those of different lines side by side."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[str, deque[Job]] = {}

    def add(self, line: str, job: Job) -> None:
        """The job must not raise."""
        with self._lock:
            waiting = self._lines.get(line)
            if waiting is not None:
                waiting.append(job)
                return
            self._lines[line] = deque([job])
        threading.Thread(target=self._run, args=(line,), name=f"caikit_team_{line}", daemon=True).start()

    def _run(self, line: str) -> None:
        while True:
            with self._lock:
                waiting = self._lines[line]
                if not waiting:
                    del self._lines[line]
                    return
                job = waiting.popleft()
            job()
