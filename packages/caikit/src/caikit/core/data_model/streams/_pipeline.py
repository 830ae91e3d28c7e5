"""Chains of `map` and `filter`, run as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any


@dataclass(frozen=True)
class Step:
    """A function for every item, with the extra arguments of each call."""

    func: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    keeps: bool  # True: the result says whether the item stays; False: the result is the new item

    def apply(self, items: Iterator[Any]) -> Iterator[Any]:
        function = self._bound()
        return filter(function, items) if self.keeps else map(function, items)

    def _bound(self) -> Callable[[Any], Any]:
        if not self.args:
            return partial(self.func, **self.kwargs) if self.kwargs else self.func
        return lambda item: self.func(item, *self.args, **self.kwargs)


@dataclass(frozen=True)
class Pipeline:
    """Steps over a source; the loop over the items runs in the interpreter's own `map` and `filter`."""

    source: Iterable[Any]
    steps: tuple[Step, ...]

    def then(self, step: Step) -> Pipeline:
        return Pipeline(self.source, (*self.steps, step))

    def __call__(self) -> Iterator[Any]:
        finished = False

        def source_items() -> Iterator[Any]:
            nonlocal finished
            yield from self.source
            finished = True

        items = source_items()
        for step in self.steps:
            items = step.apply(items)
        yield from items
        if not finished:
            # `map` and `filter` take it for the end of their input; silently losing data would be worse.
            raise RuntimeError("a function applied to a data stream raised StopIteration")
