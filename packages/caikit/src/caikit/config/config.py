"""The configuration that is in force in this process."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ._merge import merge_configs

if TYPE_CHECKING:
    import aconfig

    from ._state import State

__all__ = ["BASE_CONFIG_PATH", "configure", "get_config", "merge_configs", "preserved"]

BASE_CONFIG_PATH: str = os.path.realpath(os.path.join(os.path.dirname(__file__), "config.yml"))
"""The file with the packaged defaults."""

_lock = threading.RLock()
_state: State | None = None


def get_config() -> aconfig.Config:
    """The immutable view of the configuration; a later `configure` makes a new one.

    Keys are attributes, and items where they are no identifiers; an attribute that is not there is None. Copies
    and pickles are ordinary, changeable `aconfig.Config` objects.
    """
    return (_state or _current_state()).view


def configure(
    config_yml_path: str | os.PathLike[str] | None = None, config_dict: Mapping[str, Any] | None = None
) -> None:
    """Merge a YAML file, then a dictionary, into the configuration.

    The files named by the key `config_files` come on top of both, environment variables on top of everything.
    A source whose key `merge_strategy` is "override" replaces top-level keys as a whole.

    ValueError if there is nothing to merge, a file is not called `.yml` or `.yaml`, or is no YAML;
    FileNotFoundError if it is not there; TypeError if settings are no mapping with strings as keys. Then the
    configuration stays as it was. Keys and environment variables that look misspelt, and values that cannot be
    right, are logged as warnings.
    """
    global _state
    if not config_yml_path and not config_dict:
        from ._log import log

        message = "No config_file or config_dict provided"
        log().error("<CFG43273054E>", message)
        raise ValueError(message)
    from ._sources import Source, read_mapping, read_yaml

    with _lock:
        sources = []
        if config_yml_path:
            sources.append(read_yaml(config_yml_path))
        if config_dict:
            sources.append(Source("config_dict", read_mapping(config_dict)))
        _state = _current_state().with_sources(sources)


@contextlib.contextmanager
def preserved() -> Iterator[None]:
    """Bring back, at the end, the configuration that was in force at the start."""
    global _state
    with _lock:
        before = _state
    try:
        yield
    finally:
        with _lock:
            _state = before


def _current_state() -> State:
    global _state
    with _lock:
        if _state is None:
            from ._sources import read_yaml
            from ._state import State

            _state = State.of_defaults(read_yaml(BASE_CONFIG_PATH))
        return _state
