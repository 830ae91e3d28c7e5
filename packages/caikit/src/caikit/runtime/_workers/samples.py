"""The figures of all workers as those of one server.

A family is `[name, documentation, type, unit, [[sample, labels, value], ...]]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Family = list[Any]
_Key = tuple[str, tuple[tuple[str, str], ...]]

_GROWING = frozenset({"counter", "histogram", "summary"})


class Figures:
    """The last known figures of each worker, and what those that are gone have counted.

    What only ever grows in a worker only ever grows in the total.
    """

    def __init__(self) -> None:
        self._known: dict[int, list[Family]] = {}
        self._gone: list[Family] = []

    def keep(self, pid: int, families: list[Family]) -> None:
        self._known[pid] = families

    def bury(self, pid: int) -> None:
        """The worker is gone: its counts stay, its gauges do not."""
        families = self._known.pop(pid, [])
        counts = [family for family in families if family[2] in _GROWING]
        self._gone = add_up([self._gone, counts])

    def total(self, more: Iterable[Family] = ()) -> list[Family]:
        return [*add_up([self._gone, *self._known.values()]), *more]


def add_up(parts: Iterable[list[Family]]) -> list[Family]:
    """One family for all of the same name, one sample for all with the same labels."""
    heads: dict[str, list[Any]] = {}
    values: dict[str, dict[_Key, float]] = {}
    for families in parts:
        for name, documentation, kind, unit, samples in families:
            heads.setdefault(name, [name, documentation, kind, unit])
            of_family = values.setdefault(name, {})
            for sample, labels, value in samples:
                key = sample, tuple(sorted(labels.items()))
                known = of_family.get(key)
                of_family[key] = value if known is None else _combiner(sample)(known, value)
    return [
        [*head, [[sample, dict(labels), value] for (sample, labels), value in values[name].items()]]
        for name, head in heads.items()
    ]


def _combiner(sample: str) -> Callable[[float, float], float]:
    if sample.endswith(("_created", "_start_time_seconds")):
        return min
    if sample.endswith("_info"):
        return max
    return lambda one, other: one + other
