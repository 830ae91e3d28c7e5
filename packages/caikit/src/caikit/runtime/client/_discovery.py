"""Asking several servers at the same time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

T = TypeVar("T")

# What the others get when one server has answered; they may be slow, or gone without a trace.
GRACE_SECONDS = 5.0


class Survey(Generic[T]):
    """Puts a question to servers, each in a thread of its own, and never twice to one that still owes an answer."""

    def __init__(
        self, on_answer: Callable[[str, T], None], on_failure: Callable[[str, Exception], None]
    ) -> None:
        """Both are called as soon as something is known, even after `ask` has returned, by any thread."""
        self._on_answer = on_answer
        self._on_failure = on_failure
        self._asked: set[str] = set()
        self._lock = threading.Lock()

    def ask(self, questions: Mapping[str, Callable[[], T]], is_enough: Callable[[], bool]) -> None:
        """Return when all have answered, when an answer is enough, or some time after the first answer."""
        done: queue.SimpleQueue[bool] = queue.SimpleQueue()
        waiting = 0
        for target, question in questions.items():
            with self._lock:
                if target in self._asked:
                    continue
                self._asked.add(target)
            waiting += 1
            threading.Thread(
                target=self._run, args=(target, question, done), name=f"caikit_ask_{target}", daemon=True
            ).start()
        end: float | None = None
        while waiting and not is_enough():
            try:
                answered = done.get(timeout=None if end is None else max(0.0, end - time.monotonic()))
            except queue.Empty:
                return
            waiting -= 1
            if answered and end is None:
                end = time.monotonic() + GRACE_SECONDS

    def _run(self, target: str, question: Callable[[], T], done: queue.SimpleQueue[Any]) -> None:
        answered = False
        try:
            self._on_answer(target, question())
            answered = True
        except Exception as problem:
            self._on_failure(target, problem)
        finally:
            with self._lock:
                self._asked.discard(target)
            done.put(answered)
