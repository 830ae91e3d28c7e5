"""The table of models and the loads that fill it."""

from __future__ import annotations

import gc
import os
import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import alog

from caikit.core.exceptions import error_handler
from caikit.runtime.engine.errors import RequestError

from ._batching import make_batch
from ._entry import LoadedModel
from ._errors import forget_frames, load_error, not_found, still_being_written, store_closed
from ._failures import FailureMemory
from ._files import fingerprint, steady
from ._pool import LoadPool
from ._totals import LoadCounter, LoadTotals
from .loading import ModelLoaderBase
from .settings import StoreSettings
from .sizing import ModelSizerBase

if TYPE_CHECKING:
    from caikit.core import ModuleBase

log = alog.use_channel("MODEL-TABLE")

_SETTLE_ROUNDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """How a model is loaded."""

    retries: int = 0
    on_demand: bool = False
    """A request asked for it: wait until its files are complete, and do not make a fuss if there is none."""
    found: bool = False
    """It lies in the directory of the models: nobody asked for it, and only the log tells that it fails."""
    by_name: bool = False
    """There are no files for it here; a finder may know it."""
    keep_failure: bool = False
    """Leave a failed model in the table until somebody has asked for it."""
    size: int | None = None
    finder: Any = None
    initializer: Any = None


class ModelTable:
    """All models by id; each id is loaded by one job of the pool at a time."""

    def __init__(self, settings: StoreSettings, loader: ModelLoaderBase, sizer: ModelSizerBase) -> None:
        self._settings = settings
        self._loader = loader
        self._sizer = sizer
        self._lock = threading.Lock()
        self._entries: dict[str, LoadedModel] = {}
        self._pool = LoadPool(settings.load_threads)
        self.failures = FailureMemory()
        self.counter = LoadCounter()
        self.stop = threading.Event()
        self.get = self._entries.get

    def snapshot(self) -> dict[str, LoadedModel]:
        with self._lock:
            return dict(self._entries)

    def begin(self, model_id: str, path: str, model_type: str, plan: LoadPlan) -> LoadedModel:
        """The entry of this id; if there is none, a new one whose load begins now."""
        with self._lock:
            entry = self._entries.get(model_id)
            if entry is not None:
                return entry
            if self.stop.is_set():
                raise store_closed()
            entry = LoadedModel(model_id, path, model_type, on_idle=self._collect_later)
            if plan.size is not None:
                entry.set_size(plan.size)
            self._entries[model_id] = entry
            self._pool.submit(partial(self._load, entry, plan))
        return entry

    def remove(self, model_id: str) -> LoadedModel | None:
        with self._lock:
            return self._entries.pop(model_id, None)

    def drop(self, entry: LoadedModel) -> None:
        """Remove the entry unless another one has taken its place."""
        with self._lock:
            if self._entries.get(entry.id()) is entry:
                del self._entries[entry.id()]

    def close(self, end: float) -> bool:
        self.stop.set()
        with self._lock:
            entries = list(self._entries.values())
            self._entries.clear()
        for entry in entries:
            entry.retire()
            entry.finish(None, store_closed())
        return self._pool.close(max(0.0, end - time.monotonic()))

    def size_on_load(self, model_id: str, path: str, model_type: str) -> int:
        try:
            return self._sizer.get_model_size(model_id, path, model_type)
        except RequestError:  # a model that is not on this disk
            return 0

    def _load(self, entry: LoadedModel, plan: LoadPlan) -> None:
        seen = None
        started = time.perf_counter()
        try:
            if plan.on_demand:
                self._settle(entry)
            seen = fingerprint(entry.path())
            before = time.perf_counter()
            model = self._attempt(entry, plan)
            loader_seconds = time.perf_counter() - before
            entry.set_size(self.size_on_load(entry.id(), entry.path(), entry.type()))
            entry.batch = make_batch(entry.id(), model, self._settings.batching_of(entry.type()))
            if self._settings.takes_id_for_type(entry.id(), entry.type()):
                log.warning(
                    "<RUN61530303W>",
                    "runtime.batching.%s is for models of that type, model '%s' is of type %s",
                    entry.id(),
                    entry.id(),
                    entry.type(),
                )
        except BaseException as error:  # even SystemExit: requests wait for the outcome
            self._failed(entry, plan, error, seen)
        else:
            self.failures.forget(entry.id())
            seconds = time.perf_counter() - started
            self.counter.add(
                entry.type(), LoadTotals(loads=1, seconds=seconds, loader_seconds=loader_seconds)
            )
            entry.finish(model)

    def _settle(self, entry: LoadedModel) -> None:
        path = entry.path()
        if not os.path.exists(path):
            return
        for _ in range(_SETTLE_ROUNDS):
            if path in steady([path], self._settings.write_detection_period, self.stop):
                return
        raise still_being_written(entry.id())

    def _attempt(self, entry: LoadedModel, plan: LoadPlan) -> ModuleBase:
        for _ in range(plan.retries):
            try:
                return self._load_once(entry, plan)
            except Exception as error:
                log.debug("<RUN48241207D>", "Trying again to load model '%s': %r", entry.id(), error)
                if plan.on_demand or plan.found:
                    # It may have failed because its files are written by somebody who has paused for long.
                    self._settle(entry)
        return self._load_once(entry, plan)

    def _load_once(self, entry: LoadedModel, plan: LoadPlan) -> ModuleBase:
        if self.stop.is_set():
            raise store_closed()
        # Who asks for a model that does not exist is told so; what is an error of the server, the table decides.
        with error_handler.without_logging():
            model: ModuleBase | None = self._loader.load_module_instance(
                entry.path(), entry.id(), entry.type(), plan.finder, plan.initializer
            )
        if model is None:
            raise TypeError(f"expected a model from {type(self._loader).__name__}, got None")
        return model

    def _failed(
        self, entry: LoadedModel, plan: LoadPlan, error: BaseException, seen: tuple[int, int, int] | None
    ) -> None:
        nothing_there = isinstance(error, FileNotFoundError | RequestError)
        # Whoever names the place of a model may hear of it.
        private = entry.path() if plan.on_demand or plan.found else ""
        unknown = plan.by_name and isinstance(error, FileNotFoundError)
        shown = not_found(entry.id()) if unknown else load_error(entry.id(), error, private)
        if nothing_there:
            is_broken = plan.found and os.path.exists(entry.path())
            report = log.debug if plan.on_demand else log.warning if is_broken else log.info
            report("<RUN66201871I>", "No model '%s': %s", entry.id(), error)
        else:
            log.warning("<RUN62912924W>", "Model '%s' failed to load: %r", entry.id(), error, exc_info=True)
        forget_frames(error)
        self.counter.add(entry.type(), LoadTotals(failures=1))
        self.failures.remember(entry.id(), shown, seen, cheap=nothing_there)
        if not plan.keep_failure:
            self.drop(entry)
        entry.finish(None, shown)

    def _collect_later(self) -> None:
        self._pool.submit(gc.collect)
