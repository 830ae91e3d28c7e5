"""The models that a mesh has put into the store."""

from __future__ import annotations

import gc
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING
from weakref import WeakSet

import alog

from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.status import Status
from caikit.runtime.models._waiting import wait_until_done

if TYPE_CHECKING:
    from caikit.runtime.engine.context import RequestContext
    from caikit.runtime.models import LoadedModel, ModelStore

    from ._target import Target

log = alog.use_channel("MR-SERVICR-I")

_PAUSE_SECONDS = 0.01


class MeshModels:
    """Loads, measures and drops models on behalf of a mesh; knows which of the store's models are the mesh's."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._entries: dict[str, LoadedModel] = {}
        self._waiting: Counter[LoadedModel] = Counter()
        self._promised: WeakSet[LoadedModel] = WeakSet()
        """Somebody was told that they can serve."""
        self._leaving: list[LoadedModel] = []

    def serves(self, model_id: str | None) -> bool:
        """Whether the mesh has loaded this model, and it is still there."""
        entry = self._entries.get(model_id or "")
        return entry is not None and entry.loaded() and self._store.models.get(entry.id()) is entry

    def load(self, target: Target, context: RequestContext) -> int:
        """Return the size of the model when it can serve; a load that nobody waits for any more is dropped."""
        log.info("<RUN10000106I>", "Loading model '%s' for the mesh", target.model_id)
        entry = self._begin(target)
        try:
            wait_until_done(entry, context)
        except BaseException:
            self._abandon(entry)
            raise
        self._stop_waiting(entry, promised=entry.error is None)
        if entry.error is not None:
            self._forget(entry)
        if entry.error is None and entry.peek() is None:
            raise RequestError(
                Status.ABORTED, f"Model '{target.model_id}' was unloaded while it was being loaded"
            )
        entry.model()  # raises what the load raised
        log.info("<RUN10000107I>", "Loaded model '%s' for the mesh", target.model_id)
        return entry.size() or 0

    def unload(self, model_id: str, context: RequestContext) -> None:
        """Return when the model is gone: its load has ended, and so have the requests that used it."""
        log.info("<RUN10000110I>", "Unloading model '%s' for the mesh", model_id)
        entry = self._store.models.get(model_id)
        self._store.unload(model_id, wait=False)
        with self._lock:
            mine = self._entries.pop(model_id, None)
            late = [each for each in self._leaving if each.id() == model_id]
        for each in {entry, mine, *late}:
            if each is not None:
                self._wait_until_gone(each, context)
        log.info("<RUN10000111I>", "Unloaded model '%s' for the mesh", model_id)

    def size(self, model_id: str) -> int:
        return self._store.size(model_id)

    def estimate(self, target: Target) -> int:
        return self._store.estimate_size(target.model_id, target.path, target.model_type)

    def start_over(self) -> bool:
        """Drop all models of the mesh; whether none is left. Never waits."""
        with self._lock:
            entries, self._entries = self._entries, {}
            self._leaving += entries.values()
        for entry in entries.values():
            self._drop(entry)
        with self._lock:
            self._leaving = [entry for entry in self._leaving if entry.loading() or entry.users]
            return not self._leaving

    def _begin(self, target: Target) -> LoadedModel:
        with self._lock:
            known = self._store.models.get(target.model_id)
            entry = self._store.load(target.model_id, target.path, target.model_type, wait=False)
            if entry is not known:
                self._forget_lost()
                self._entries[target.model_id] = entry
            self._waiting[entry] += 1
        return entry

    def _forget_lost(self) -> None:
        """Drop the models that somebody else has taken away; called with the lock held."""
        present = self._store.models
        self._entries = {key: entry for key, entry in self._entries.items() if present.get(key) is entry}

    def _stop_waiting(self, entry: LoadedModel, *, promised: bool) -> int:
        """How many others still wait."""
        with self._lock:
            if promised:
                self._promised.add(entry)
            self._waiting[entry] -= 1
            left = self._waiting[entry]
            if not left:
                del self._waiting[entry]
        return left

    def _abandon(self, entry: LoadedModel) -> None:
        if self._stop_waiting(entry, promised=False) or entry in self._promised:
            return
        log.info("<RUN10000108I>", "Nobody waits for model '%s' any more: it is dropped", entry.id())
        with self._lock:
            if self._entries.get(entry.id()) is not entry:
                return
            del self._entries[entry.id()]
            self._leaving.append(entry)
        self._drop(entry)

    def _forget(self, entry: LoadedModel) -> None:
        with self._lock:
            if self._entries.get(entry.id()) is entry:
                del self._entries[entry.id()]

    def _drop(self, entry: LoadedModel) -> None:
        if self._store.models.get(entry.id()) is entry:
            self._store.unload(entry.id(), wait=False)

    def _wait_until_gone(self, entry: LoadedModel, context: RequestContext) -> None:
        if not entry.loading() and not entry.users:
            return
        wait_until_done(entry, context)
        while entry.users:
            context.cancel.raise_if_cancelled()
            if context.deadline is not None and time.monotonic() > context.deadline:
                raise RequestError(
                    Status.DEADLINE_EXCEEDED,
                    f"Model '{entry.id()}' is still in use by {entry.users} requests",
                )
            time.sleep(_PAUSE_SECONDS)
        gc.collect()
