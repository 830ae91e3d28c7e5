"""Models that are loaded once per process."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from ..modules.base import ModuleBase


class _Same(NamedTuple):
    """Stands for an object that has no useful equality."""

    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


class SingletonKey(NamedTuple):
    """Loads with equal keys give the same model."""

    location: str
    finder: Any
    initializer: Any
    arguments: frozenset[tuple[str, Any]]

    def __str__(self) -> str:
        if (self.finder, self.initializer, self.arguments) == ("default", "default", frozenset()):
            return self.location
        settings = ", ".join(
            [
                f"finder={_label(self.finder)}",
                f"initializer={_label(self.initializer)}",
                *sorted(f"{name}={_label(value)}" for name, value in self.arguments),
            ]
        )
        return f"{self.location} ({settings})"


def singleton_key(
    source: str | io.BytesIO, finder: Any, initializer: Any, kwargs: dict[str, Any]
) -> SingletonKey:
    return SingletonKey(
        _location(source),
        finder if isinstance(finder, str) else _Same(finder),
        initializer if isinstance(initializer, str) else _Same(initializer),
        frozenset((name, _comparable(value)) for name, value in kwargs.items()),
    )


class Singletons:
    """Loaded singletons; different ones can be loaded at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._models: dict[SingletonKey, ModuleBase] = {}
        self._loading: dict[SingletonKey, threading.RLock] = {}

    def get(self, key: SingletonKey, load: Callable[[], ModuleBase]) -> ModuleBase:
        with self._lock:
            loading = self._loading.setdefault(key, threading.RLock())
        with loading:
            model = self._models.get(key)
            if model is None:
                model = load()
                with self._lock:
                    self._models[key] = model
            return model

    def info(self) -> dict[str, type[ModuleBase]]:
        with self._lock:
            return {str(key): type(model) for key, model in self._models.items()}

    def clear(self) -> None:
        with self._lock:
            self._models.clear()
            self._loading.clear()


def _location(source: str | io.BytesIO) -> str:
    if isinstance(source, str):
        return os.path.realpath(source) if os.path.exists(source) else os.path.normpath(source)
    return f"sha256:{hashlib.sha256(source.getbuffer()).hexdigest()}"


def _comparable(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value


def _label(value: Any) -> str:
    return repr(value.value) if isinstance(value, _Same) else repr(value)
