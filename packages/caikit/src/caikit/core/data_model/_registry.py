"""All data object classes of the process, by the full name of their message."""

from __future__ import annotations

import threading
from typing import Any

_lock = threading.RLock()
_by_name: dict[str, type[Any]] = {}
_pending: list[type[Any]] = []
_rendered: dict[str, Any] = {}


def register(full_name: str, cls: type[Any]) -> None:
    """The newest class of a name is the one that is found."""
    with _lock:
        _by_name[full_name] = cls


def find(full_name: str) -> type[Any] | None:
    return _by_name.get(full_name)


def find_short(name: str) -> list[str]:
    """Full names whose last part is this name."""
    with _lock:
        return [full_name for full_name in _by_name if full_name.rpartition(".")[2] == name]


def register_rendered(full_name: str, proto_class: Any) -> None:
    """Message classes and enum wrappers that `render_dataobject_protos` writes."""
    with _lock:
        _rendered.pop(full_name, None)
        _rendered[full_name] = proto_class
        generated_proto_classes[:] = _rendered.values()


generated_proto_classes: list[Any] = []
"""The live list behind `get_generated_proto_classes`."""
