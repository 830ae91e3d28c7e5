"""Chains of `map` and `filter`, run as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

# `map` and `filter` call each other on the stack of the process, which ends the process when it is full.
_DEEPEST_NESTING = 50


@dataclass(frozen=True)
class Step:
    """A function for every item, with the extra arguments of each call."""

    func: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    keeps: bool  # True: the result says whether the item stays; False: the result is the new item

    def bound(self) -> Callable[[Any], Any]:
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
        if len(self.steps) > _DEEPEST_NESTING:
            return _in_a_loop(self.source, self.steps)
        return _nested(self.source, self.steps)


def _nested(source: Iterable[Any], steps: tuple[Step, ...]) -> Iterator[Any]:
    finished = False

    def source_items() -> Iterator[Any]:
        nonlocal finished
        yield from source
        finished = True

    items: Iterator[Any] = source_items()
    for step in steps:
        items = filter(step.bound(), items) if step.keeps else map(step.bound(), items)
    yield from items
    if not finished:
        # `map` and `filter` take it for the end of their input; silently losing data would be worse.
        raise RuntimeError("a function applied to a data stream raised StopIteration")


def _in_a_loop(source: Iterable[Any], steps: tuple[Step, ...]) -> Iterator[Any]:
    functions = [(step.bound(), step.keeps) for step in steps]
    for item in source:
        current = item
        for function, keeps in functions:
            result = function(current)
            if not keeps:
                current = result
            elif not result:
                break
        else:
            yield current
