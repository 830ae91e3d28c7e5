"""Settings that cannot mean what was written: keys that nobody reads, values of the wrong kind."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ._environment import environment_value, variable_name
from ._sources import Settings, Source

__all__ = ["doubts_about", "doubts_about_environment"]

# Libraries keep their own settings beside those of caikit, so nothing but a strong resemblance is suspicious here.
_SHARED = ("", "inference_plugin")
# The keys are names that users choose; what is below them looks like what is below the packaged ones.
_NAMED = ("data_streams.source_plugins", "libraries", "model_management.*", "runtime.batching")
# What is below belongs to whoever is configured with it. So does all that is empty in the packaged defaults.
_FREE = (
    "data_streams.source_plugins.*.config",
    "inference_plugin.model_mesh.max_model_concurrency_per_type",
    "inference_plugin.model_mesh.model_size_multipliers",
    "model_management.*.*.config",
    "runtime.http.server_config",
    "runtime.version_info.python_packages",
)
_COMPONENTS = ("data_streams.source_plugins", "model_management.*")
_COMPONENT: Settings = {"type": "", "import_class": None, "config": {}}
# Read, but not in the packaged defaults
_OPTIONAL: Settings = {"load_path": None}

_RESEMBLANCE = 0.6
_STRONG_RESEMBLANCE = 0.87


def doubts_about(source: Source, defaults: Settings) -> Iterator[tuple[str, str]]:
    """What is doubtful in a source: the key, and a sentence about it."""
    strategy = source.settings.get("merge_strategy", "merge")
    if strategy not in ("merge", "override"):
        problem = f"expected merge or override, got {strategy!r}, which stands for merge"
        yield "merge_strategy", f"Wrong value of merge_strategy in {source.origin}; {problem}"
    known = {**defaults, **_OPTIONAL}
    for key, what, problem in _walk(source.settings, known, "", defaults):
        yield key, f"{what} {key} in {source.origin}; {problem}"


def doubts_about_environment(settings: Settings, defaults: Settings) -> Iterator[tuple[str, str]]:
    """What is doubtful among the environment variables: the name, and a sentence about it."""
    sections = tuple(f"{variable_name(key)}_" for key, value in settings.items() if isinstance(value, dict))
    keys = {variable_name(key): key for key in _paths(settings)}
    for name in os.environ:
        if name in keys:
            key, value = keys[name], environment_value(keys[name])
            problem = _ignored(key, value, _at(settings, key)) or _wrong(value, _at(defaults, key))
            if problem:
                yield name, f"Wrong value of the environment variable {name}; {problem}"
        elif name.startswith(sections):
            nearest = _similar(name, keys, _STRONG_RESEMBLANCE)
            if nearest:
                yield name, f"No key has the environment variable {name}; did you mean {nearest[0]}?"


def _walk(
    settings: Settings, known: Settings, path: str, defaults: Settings
) -> Iterator[tuple[str, str, str]]:
    for key, value in settings.items():
        full_key = f"{path}.{key}" if path else key
        named = _matches(path, _NAMED)
        if key not in known and not named:
            hint = _hint(key, path, known, defaults)
            if hint:
                yield full_key, "Unknown key", hint
            continue
        default = _entry_shape(path, known) if named else known[key]
        if not isinstance(default, dict):
            problem = _wrong(value, default)
            if problem:
                yield full_key, "Wrong value of", problem
        elif default and not _matches(full_key, _FREE):
            if isinstance(value, dict):
                yield from _walk(value, default, full_key, defaults)
            else:
                yield full_key, "Wrong value of", f"expected a mapping, got {value!r}"


def _ignored(key: str, value: Any, replaced: Any) -> str | None:
    """Only a list takes the place of a list, but for the one key that is read in another way, too."""
    if not isinstance(replaced, list) or isinstance(value, list) or key == "config_files":
        return None
    if not replaced and value in (None, ""):
        return None
    return f"expected a list such as [first, second], got {value!r}, which is ignored"


def _wrong(value: Any, default: Any) -> str | None:
    """Only what can never be right: None often switches something off, and numbers are fine as texts."""
    if value is None:
        return None
    if isinstance(default, bool):
        return None if isinstance(value, (bool, int)) else f"expected true or false, got {value!r}"
    if isinstance(default, (int, float)):
        return None if isinstance(value, (int, float)) else f"expected a number, got {value!r}"
    return None


def _hint(key: str, path: str, known: Settings, defaults: Settings) -> str | None:
    full_key = f"{path}.{key}" if path else key
    variable = variable_name(full_key)
    shared = path in _SHARED
    meant = [other for other in _paths(defaults) if variable_name(other) == variable]
    if not shared:
        section = path.partition(".")[0]
        meant += [other for other in _paths(defaults[section], section) if other.endswith(f".{key}")]
    similar = _similar(key, known, _STRONG_RESEMBLANCE if shared else _RESEMBLANCE)
    meant += [f"{path}.{other}" if path else other for other in similar]
    if meant:
        return f"did you mean {meant[0]}?"
    return None if shared else f"the keys of {path} are {', '.join(known)}"


def _similar(name: str, names: Iterable[str], least: float) -> list[str]:
    import difflib

    return difflib.get_close_matches(name, list(names), 1, least)


def _entry_shape(path: str, entries: Settings) -> Settings:
    shape = dict(_COMPONENT) if _matches(path, _COMPONENTS) else {}
    for entry in entries.values():
        if isinstance(entry, dict):
            shape.update(entry)
    return shape


def _paths(settings: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for key, value in settings.items():
        full_key = f"{path}.{key}" if path else key
        yield full_key
        if isinstance(value, Mapping):
            yield from _paths(value, full_key)


def _at(settings: Settings, path: str) -> Any:
    found: Any = settings
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    parts = path.split(".")
    return any(
        len(parts) == len(wanted)
        and all(name in ("*", part) for name, part in zip(wanted, parts, strict=True))
        for wanted in (pattern.split(".") for pattern in patterns)
    )
