"""Reading YAML that somebody else wrote, with bounds on what a short text can stand for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml

__all__ = ["read_yaml"]

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_DEEPEST = 100
_ALWAYS_ALLOWED = 100_000
_LARGEST_GROWTH = 10


def read_yaml(text: str | bytes) -> Any:
    """The value of a document with safe types only.

    Aliases work, but a text that is nested too deeply, or that aliases multiply to far more than was written, is a
    ValueError.
    """
    # Before it is loaded: the loader in C ends the process when the nesting is too deep for its stack.
    _check(yaml.parse(text, Loader=_Loader))
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - both possible loaders are safe


@dataclass(slots=True)
class _Extent:
    """What a node stands for when all aliases in it are replaced by what they refer to."""

    anchor: str | None
    nodes: int = 1
    height: int = 1

    def add(self, inner: _Extent) -> None:
        self.nodes += inner.nodes
        self.height = max(self.height, inner.height + 1)


def _check(events: Iterable[Any]) -> None:
    written = 0
    anchored: dict[str, _Extent] = {}
    open_nodes = [_Extent(None)]
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            written += 1
            open_nodes.append(_Extent(event.anchor))
            _check_depth(len(open_nodes) - 1)
        elif isinstance(event, yaml.CollectionEndEvent):
            done = open_nodes.pop()
            if done.anchor is not None:
                anchored[done.anchor] = done
            open_nodes[-1].add(done)
        elif isinstance(event, yaml.NodeEvent):
            written += 1
            open_nodes[-1].add(_leaf(event, anchored, open_nodes))
    _check_depth(open_nodes[0].height - 1)
    if open_nodes[0].nodes > max(_ALWAYS_ALLOWED, _LARGEST_GROWTH * written):
        raise ValueError(
            f"expected aliases that stand for at most {_ALWAYS_ALLOWED} nodes or {_LARGEST_GROWTH} times what is "
            f"written, got {open_nodes[0].nodes} nodes out of {written}"
        )


def _check_depth(depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError(f"expected at most {_DEEPEST} levels of nesting")


def _leaf(event: Any, anchored: dict[str, _Extent], open_nodes: list[_Extent]) -> _Extent:
    if isinstance(event, yaml.ScalarEvent):
        leaf = _Extent(event.anchor)
        if event.anchor is not None:
            anchored[event.anchor] = leaf
        return leaf
    if any(node.anchor == event.anchor for node in open_nodes):
        raise ValueError(f"the node with the anchor &{event.anchor} contains itself")
    return anchored.get(event.anchor) or _Extent(None)
