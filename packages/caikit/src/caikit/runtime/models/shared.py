"""The stores that the servers of a process share."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import caikit

from .settings import StoreSettings
from .store import ModelStore


@dataclass(slots=True)
class _Shared:
    key: tuple[Any, ...]
    store: ModelStore
    holders: int = 0


class SharedStore:
    """Opens a store for its first holder and closes it after the last one.

    Servers share a store when everything that is configured about stores is the same for them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shared: list[_Shared] = []

    @property
    def stores(self) -> list[ModelStore]:
        """All stores that are open, in the order in which they were opened."""
        with self._lock:
            self._forget_closed()
            return [each.store for each in self._shared]

    @property
    def current(self) -> ModelStore | None:
        """The store that was opened last and is still open."""
        stores = self.stores
        return stores[-1] if stores else None

    def hold(self, config: Any = None) -> ModelStore:
        """The store for a configuration, with its models loaded; every call needs a `release`."""
        with self._lock:
            shared = self._find(config) or self._open(config)
            shared.holders += 1
            return shared.store

    def open(self) -> ModelStore:
        """The current store, without a claim on it; opened if there is none."""
        with self._lock:
            self._forget_closed()
            return (self._shared[-1] if self._shared else self._open(None)).store

    def release(self, store: ModelStore | None = None) -> bool:
        """Give up one claim on a store, or on the current one.

        False if that closed the store and a thread of it did not end in time.
        """
        with self._lock:
            shared = self._shared[-1] if store is None and self._shared else None
            for each in self._shared:
                if each.store is store:
                    shared = each
            if shared is None:
                return True
            shared.holders -= 1
            if shared.holders > 0:
                return True
            self._shared.remove(shared)
        return shared.store.close()

    def _find(self, config: Any) -> _Shared | None:
        self._forget_closed()
        key = _key(config)
        return next((each for each in self._shared if each.key == key), None)

    def _open(self, config: Any) -> _Shared:
        store = ModelStore.from_config(config)
        try:
            store.start()
        except BaseException:
            store.close(0)
            raise
        shared = _Shared(_key(config), store)
        self._shared.append(shared)
        return shared

    def _forget_closed(self) -> None:
        self._shared = [each for each in self._shared if not each.store.closed]


def _key(config: Any) -> tuple[Any, ...]:
    config = caikit.get_config() if config is None else config
    components = config.model_management
    return StoreSettings.from_config(config), components.loaders, components.sizers


SHARED_STORE = SharedStore()
