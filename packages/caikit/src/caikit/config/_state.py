"""Layers of settings, and the view that is computed from them."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ._doubts import doubts_about, doubts_about_environment
from ._environment import environment_value, override_from_environment
from ._log import log
from ._merge import merge_configs
from ._sources import Settings, Source, read_yaml
from ._view import ConfigView

__all__ = ["State"]


@dataclass(frozen=True)
class State:
    """One configuration, never changed.

    The files named by `config_files` lie on top of everything else and are read again for every new state; a
    file that is no longer named becomes an ordinary layer below the new ones. `order` remembers where keys
    first appeared, because that is how they are listed, and `warned` what was complained about already.
    """

    defaults: Settings = field(default_factory=dict)
    settled: Settings = field(default_factory=dict)
    files: dict[str, Settings] = field(default_factory=dict)
    order: Settings = field(default_factory=dict)
    warned: frozenset[str] = frozenset()

    @classmethod
    def of_defaults(cls, source: Source) -> State:
        """The state in which nothing but the packaged defaults and the environment counts."""
        return cls(defaults=source.settings).with_sources([source])

    @cached_property
    def view(self) -> ConfigView:
        values = self._merged()
        override_from_environment(values)
        return ConfigView(_ordered(values, self.order))

    def with_sources(self, sources: Iterable[Source]) -> State:
        """This state with more settings on top and its files read again."""
        sources = list(sources)
        order = copy.deepcopy(self.order)
        pending = self._merged()
        for source in sources:
            _lay(pending, source.settings)
            _remember(order, source.settings)
        read: list[Source] = []
        files: dict[str, Settings] = {}
        for path in _extra_files(pending):
            log().info("<RUN17612094I>", f"Loading config file '{path}'")
            read.append(read_yaml(path))
            files.pop(os.path.abspath(path), None)
            files[os.path.abspath(path)] = read[-1].settings
            _remember(order, read[-1].settings)
        settled = copy.deepcopy(self.settled)
        for path, content in self.files.items():
            if path not in files:
                _lay(settled, content)
        for source in sources:
            _lay(settled, source.settings)
        state = replace(self, settled=settled, files=files, order=order)
        state = replace(state, warned=state._warned_about([*sources, *read]))
        state.view  # noqa: B018 - computed here, so that the swap puts a finished state in force
        return state

    def _warned_about(self, sources: Iterable[Source]) -> frozenset[str]:
        found = dict(doubts_about_environment(self._merged(), self.defaults))
        for source in sources:
            found.update(doubts_about(source, self.defaults))
        for text in found.values():
            if text not in self.warned:
                log().warning("<CFG71420386W>", text)
        return self.warned.union(found.values())

    def _merged(self) -> Settings:
        values = copy.deepcopy(self.settled)
        for content in self.files.values():
            _lay(values, content)
        return values


def _lay(base: Settings, source: Settings) -> None:
    strategy = source.get("merge_strategy", "merge")
    if "merge_strategy" in source:
        strategy = environment_value("merge_strategy") or strategy
    merge_configs(base, copy.deepcopy(source), strategy)


def _extra_files(settings: Settings) -> list[str]:
    named = environment_value("config_files") if "config_files" in settings else None
    named = settings.get("config_files") if named is None else named
    entries: list[Any] = named if isinstance(named, list) else str(named or "").split(",")
    paths = [
        os.fspath(entry).strip() if isinstance(entry, (str, os.PathLike)) else entry for entry in entries
    ]
    return [path for path in paths if path]


def _remember(order: Settings, source: Settings) -> None:
    for key, value in source.items():
        known = order.setdefault(key, {})
        if isinstance(value, dict):
            _remember(known, value)


def _ordered(values: Settings, order: Settings) -> Settings:
    result: Settings = {key: values[key] for key in order if key in values}
    result.update(values)
    for key, value in result.items():
        if isinstance(value, dict) and key in order:
            result[key] = _ordered(value, order[key])
    return result
