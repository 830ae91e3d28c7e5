"""The configured lock of the interface: applied to every message, written and checked by the command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import alog

from caikit.config import get_config
from caikit.runtime.utils.library_names import clean_lib_names

from ._lock import InterfaceLock, LockError, read_lock
from ._parameters import Parameter
from ._reports import warn_once
from ._spec import RpcSpec
from ._wire_fields import numbered, wire_fields

__all__ = ["check_lock", "locked", "write_lock"]

log = alog.use_channel("SERVICES")

_locks: dict[tuple[str, int, int], InterfaceLock] = {}

# Whoever compares an interface with its lock tells the differences at the end, all of them at once.
_comparing: ContextVar[bool] = ContextVar("comparing", default=False)


def locked(message: str, fields: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """The fields with the numbers that the configured lock has for them."""
    path = _configured_path()
    if path is None:
        return dict(fields)
    lock = _read_once(path)
    wire = {name: wire_fields(name, field.annotation) for name, field in fields.items()}
    numbers = lock.assign(message, [each for every in wire.values() for each in every])
    if not _comparing.get() and not lock.describes(message):
        warn_once(
            log,
            "<RUN35134057W>",
            f"Interface lock {path} does not describe {message} as it is now: write it with --write-lock",
        )
    return {
        name: replace(field, annotation=numbered(name, field.annotation, numbers))
        for name, field in fields.items()
    }


def write_lock(build: Callable[[], list[RpcSpec]]) -> list[str]:
    """Write the configured lock for the RPCs that `build` makes; what has changed that clients would notice."""
    path = _required_path()
    new = not os.path.exists(path)
    if new:
        _write(path, InterfaceLock(path).text({}))
    try:
        rpcs = _compared(build)
    except BaseException:
        if new:
            os.remove(path)
        raise
    lock = _read_once(path)
    _write(path, lock.text(rpcs))
    return lock.differences(rpcs)


def check_lock(build: Callable[[], list[RpcSpec]]) -> list[str]:
    """How the RPCs that `build` makes, and their messages, differ from the configured lock."""
    path = _required_path()
    lock = _read_once(path)
    rpcs = _compared(build)
    found = lock.differences(rpcs)
    if not found and Path(path).read_text(encoding="utf-8") != lock.text(rpcs):
        found = [f"{path} does not describe all of the interface: write it with --write-lock"]
    return found


def _configured_path() -> str | None:
    settings = get_config().runtime.service_generation.backwards_compatibility or {}
    path = settings.get("lock_path")
    return _found(str(path)) if path else None


def _found(path: str) -> str:
    """Relative paths are those of the working directory, then those of the library's folder."""
    if Path(path).is_absolute() or os.path.exists(path):
        return path
    for library in clean_lib_names(get_config().runtime.library):
        spec = find_spec(library)
        for folder in (spec and spec.submodule_search_locations) or ():
            if os.path.exists(os.path.join(folder, path)):
                return os.path.join(folder, path)
    return path


def _required_path() -> str:
    path = _configured_path()
    if path is None:
        raise LockError("No lock is configured: runtime.service_generation.backwards_compatibility.lock_path")
    return path


def _read_once(path: str) -> InterfaceLock:
    """The same lock for the same content, since it remembers what was built."""
    try:
        stat = Path(path).stat()
    except OSError:
        return read_lock(path)
    key = (os.path.abspath(path), stat.st_mtime_ns, stat.st_size)
    if key not in _locks:
        _locks[key] = read_lock(path)
    return _locks[key]


def _write(path: str, text: str) -> None:
    draft = Path(f"{path}.new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _compared(build: Callable[[], list[RpcSpec]]) -> dict[str, str]:
    token = _comparing.set(True)
    try:
        return _signatures(build())
    finally:
        _comparing.reset(token)


def _signatures(specs: Iterable[RpcSpec]) -> dict[str, str]:
    return {
        spec.grpc_path: f"{_side(spec.request, spec.shape.input_streaming)} -> "
        f"{_side(spec.response, spec.shape.output_streaming)}"
        for spec in specs
    }


def _side(message: type[Any], streamed: bool) -> str:
    name: str = message.get_proto_class().DESCRIPTOR.full_name
    return f"stream {name}" if streamed else name
