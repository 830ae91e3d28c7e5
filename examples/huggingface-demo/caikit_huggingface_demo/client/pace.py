"""Results that come faster than a browser can show them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_LEAST_SECONDS = 0.05
# What has grown takes longer to show.
_SECONDS_PER_RESULT = 0.0005


class Latest(Generic[T]):
    """Of results that replace one another those for which there is time, and always the last one."""

    def __init__(self, results: Iterator[T]) -> None:
        self._results = results
        self._news = threading.Condition()
        self._fresh: list[T] = []
        self._count = 0
        self._problem: BaseException | None = None
        self._ended = False

    def __iter__(self) -> Iterator[T]:
        threading.Thread(target=self._pull, daemon=True).start()
        while True:
            with self._news:
                self._news.wait_for(lambda: self._fresh or self._ended)
                fresh, self._fresh = self._fresh, []
            yield from fresh
            if not fresh:
                break
            with self._news:
                self._news.wait_for(lambda: self._ended, _LEAST_SECONDS + self._count * _SECONDS_PER_RESULT)
        if self._problem is not None:
            raise self._problem

    def _pull(self) -> None:
        try:
            for result in self._results:
                with self._news:
                    self._fresh = [result]
                    self._count += 1
                    self._news.notify_all()
        except BaseException as problem:
            self._problem = problem
        finally:
            with self._news:
                self._ended = True
                self._news.notify_all()
