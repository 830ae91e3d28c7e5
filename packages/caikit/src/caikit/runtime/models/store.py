"""The models of a runtime: looked up, loaded, counted and dropped in one place."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import alog

import caikit
from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.status import Status
from caikit.runtime.names import LOCAL_MODEL_TYPE

from ._deploy import ModelFile, already_exists, remove_leftovers, remove_model, write_model
from ._entry import Lease, LoadedModel
from ._errors import again, not_loaded, store_closed
from ._files import fingerprint, steady
from ._infos import model_info
from ._local import LocalModels
from ._table import LoadPlan, ModelTable
from ._totals import LoadTotals
from ._waiting import wait_until_done
from ._watch import Watch
from .loading import ModelLoaderBase, model_loader_factory
from .names import require_model_id, require_plain_name
from .settings import StoreSettings
from .sizing import ModelSizerBase, model_sizer_factory

if TYPE_CHECKING:
    from caikit.core import ModuleBase
    from caikit.interfaces.runtime.data_model import ModelInfo
    from caikit.runtime.engine.context import RequestContext

    from ._batching import ModelBatch

log = alog.use_channel("MODEL-MANAGR")

_CLOSE_SECONDS = 10.0


class ModelStore:
    """Holds the models; a model id is loaded once, however many requests ask for it at the same time.

    A store is built from its settings, filled by `start()` and emptied by `close()`.
    """

    def __init__(self, settings: StoreSettings, *, loader: ModelLoaderBase, sizer: ModelSizerBase) -> None:
        self.settings = settings
        self._sizer = sizer
        self._table = ModelTable(settings, loader, sizer)
        self._local: LocalModels | None = None
        if settings.local_models_dir:
            self._local = LocalModels(settings.local_models_dir, files_are_models=settings.files_are_models)
        self._watch: Watch | None = None
        self._initial: list[LoadedModel] = []
        self._sync_lock = threading.Lock()
        self._deploy_lock = threading.Lock()

    @classmethod
    def from_config(cls, config: Any = None) -> ModelStore:
        config = caikit.get_config() if config is None else config
        components = config.model_management
        return cls(
            StoreSettings.from_config(config),
            loader=model_loader_factory.construct(components.loaders.default, "default"),
            sizer=model_sizer_factory.construct(components.sizers.default, "default"),
        )

    # Life cycle

    def start(self) -> None:
        """Load what lies in the local model directory and, if so configured, begin to watch it."""
        settings = self.settings
        if self._local is None or not self._local.exists():
            self._go_without_local_models()
            return
        log.info(
            "<RUN44739400I>",
            "Initializing local_models_dir %s. Wait: %s. Load: %s",
            self._local.directory,
            settings.wait_for_initial_loads,
            settings.load_new_local_models,
        )
        remove_leftovers(self._local.directory)
        self._initial = self._sync(load=settings.load_new_local_models)
        if settings.wait_for_initial_loads:
            _wait_for(self._initial)
        if settings.lazy_load and settings.poll_period > 0:
            self._watch = Watch(self._poll, settings.poll_period, self._table.stop)
            self._watch.start()

    def close(self, timeout: float = _CLOSE_SECONDS) -> bool:
        """Drop all models and end all threads; False if a load did not end in time and was left behind."""
        end = time.monotonic() + timeout
        ended = self._table.close(end)
        if self._watch is not None:
            ended = self._watch.join(max(0.0, end - time.monotonic())) and ended
        return ended

    @property
    def closed(self) -> bool:
        return self._table.stop.is_set()

    @property
    def loads_initially(self) -> int:
        """How many of the models that were there at the start are still being loaded."""
        if self._initial:
            self._initial = [entry for entry in self._initial if entry.loading()]
        return len(self._initial)

    # Requests

    def use(self, model_id: str | None, context: RequestContext | None = None) -> Lease:
        """A claim on a model, which is loaded first where that is allowed.

        Release it, or use it in a `with` statement, which yields the model.
        """
        while True:
            entry = self._table.get(model_id or "")
            if entry is None:
                entry = self._load_on_demand(require_model_id(model_id))
            lease = entry.lease()
            if lease is not None:
                return lease
            wait_until_done(entry, context)
            self._raise_failure(entry)
            lease = entry.lease()
            if lease is not None:
                return lease
            # It was unloaded between the load and our claim: ask again.

    def peek(self, model_id: str | None) -> ModuleBase | None:
        """The model if it is there now, without a claim on it."""
        entry = self._table.get(model_id or "")
        return None if entry is None else entry.peek()

    def batch_of(self, model_id: str | None, model: ModuleBase) -> ModelBatch | None:
        """The batches of a model that is in use, if its requests are batched."""
        entry = self._table.get(model_id or "")
        return entry.batch if entry is not None and entry.peek() is model else None

    @property
    def models(self) -> dict[str, LoadedModel]:
        """The models that are loaded or being loaded, and deployed ones whose error nobody has seen yet."""
        return self._table.snapshot()

    def infos(self, model_ids: Sequence[str] | None = None) -> list[ModelInfo]:
        """What is known about these models, or about all."""
        models = self.models
        for model_id in model_ids or ():
            if model_id not in models:
                raise RequestError(Status.NOT_FOUND, f"Model {model_id} is not loaded")
        entries = [models[model_id] for model_id in model_ids or models]
        return [model_info(entry, self.shown_path(entry)) for entry in entries]

    def shown_path(self, entry: LoadedModel) -> str:
        """The path of a model as it is told to clients."""
        return entry.path() if self._local is None else self._local.shown(entry.path())

    # Loading and unloading

    def load(
        self,
        model_id: str,
        path: str,
        model_type: str,
        *,
        wait: bool = True,
        retries: int = 0,
        finder: Any = None,
        initializer: Any = None,
    ) -> LoadedModel:
        """Load a model from a path; a model that has this id already is kept and returned."""
        require_plain_name("model ID", model_id)
        plan = LoadPlan(retries=retries, finder=finder, initializer=initializer)
        entry = self._table.begin(model_id, path, model_type, plan)
        if wait:
            entry.wait()
            self._raise_failure(entry)
        return entry

    def unload(self, model_id: str, *, wait: bool = True) -> int:
        """Take a model out of service and return its size (0 for an unknown id).

        Requests that use it now go on; its memory is freed when the last of them has ended. A load that is
        under way is waited for unless `wait` is off.
        """
        self._table.failures.forget(model_id)
        entry = self._table.remove(model_id)
        if entry is None:
            return 0
        if entry.retire():
            gc.collect()
        elif wait:
            entry.wait()
        return entry.size() or 0

    def unload_all(self) -> None:
        for model_id in self.models:
            self.unload(model_id)

    def size(self, model_id: str) -> int:
        entry = self._table.get(model_id)
        if entry is None or not entry.loaded():
            raise RequestError(
                Status.NOT_FOUND,
                f"Unable to retrieve the size of model '{model_id}'; it is unregistered or unloaded.",
            )
        return entry.size() or 0

    def estimate_size(self, model_id: str, path: str, model_type: str) -> int:
        return self._sizer.get_model_size(model_id, path, model_type)

    def load_totals(self) -> dict[str, LoadTotals]:
        """How many loads of each model type there were, how long they took and how many failed."""
        return self._table.counter.totals()

    # Local models

    def deploy(self, model_id: str, files: Sequence[ModelFile]) -> LoadedModel:
        """Save a new model, given as (name, content) of its files, in the local model directory and begin to load it."""
        self._require_deploy_id(model_id)
        local = self._require_local()
        path = local.path(model_id)
        with self._deploy_lock:
            known = self._table.get(model_id)
            if known is not None and local.has_lost(known.path()):
                self.unload(model_id, wait=False)
            elif known is not None:
                raise already_exists(model_id)
            write_model(local.directory, model_id, files)
        self._table.failures.forget(model_id)
        plan = LoadPlan(
            retries=self.settings.retries,
            keep_failure=True,
            size=self._table.size_on_load(model_id, path, LOCAL_MODEL_TYPE),
        )
        return self._table.begin(model_id, path, LOCAL_MODEL_TYPE, plan)

    def undeploy(self, model_id: str) -> None:
        """Delete a model of the local model directory and unload it."""
        self._require_deploy_id(model_id)
        with self._deploy_lock:
            remove_model(self._require_local().directory, model_id)
            self.unload(model_id, wait=False)

    def sync_local_models(self, wait: bool = False, load: bool = True) -> None:
        """Unload the models whose files have vanished and load new ones; `wait` for the end of these loads."""
        entries = self._sync(load)
        if wait:
            _wait_for(entries)

    def _sync(self, load: bool) -> list[LoadedModel]:
        """The models whose loads begin."""
        local = self._require_local()
        with self._sync_lock:
            found = local.scan()
            for model_id, entry in self.models.items():
                if local.has_lost(entry.path()):
                    log.info("<RUN12030841I>", "Unloading model '%s': its files are gone", model_id)
                    self.unload(model_id, wait=False)
            return self._load_new(found) if load else []

    def _poll(self) -> bool:
        try:
            self.sync_local_models(load=self.settings.load_new_local_models)
        except FileNotFoundError:
            log.warning(
                "<RUN73890152W>", "runtime.local_models_dir is gone: no longer looking for new models"
            )
            return False
        return True

    def _load_new(self, found: dict[str, str]) -> list[LoadedModel]:
        known = self.models
        new = {
            model_id: path
            for model_id, path in found.items()
            if model_id not in known and not self._is_pausing(model_id, path)
        }
        ready = steady(new.values(), self.settings.write_detection_period, self._table.stop)
        plan = LoadPlan(retries=self.settings.retries, found=True)
        return [
            self._table.begin(model_id, path, LOCAL_MODEL_TYPE, plan)
            for model_id, path in new.items()
            if path in ready and not self.closed
        ]

    def _is_pausing(self, model_id: str, path: str) -> bool:
        failure = self._table.failures.get(model_id)
        return failure is not None and failure.blocks(fingerprint(path))

    def _load_on_demand(self, model_id: str) -> LoadedModel:
        if self.closed:
            raise store_closed()
        failure = self._table.failures.get(model_id)
        if not self.settings.lazy_load or self._local is None:
            raise not_loaded(model_id) if failure is None else again(failure.error)
        path, by_name = self._local.path(model_id), False
        if failure is not None and not failure.cheap and failure.blocks(fingerprint(path)):
            raise again(failure.error)
        if not os.path.exists(path):
            if os.path.exists(model_id):
                # Something of that name in the working directory is none of the client's business.
                raise not_loaded(model_id)
            # A finder may know models that are not on this disk.
            path, by_name = model_id, True
        plan = LoadPlan(retries=self.settings.retries, on_demand=True, by_name=by_name)
        return self._table.begin(model_id, path, LOCAL_MODEL_TYPE, plan)

    def _raise_failure(self, entry: LoadedModel) -> None:
        if entry.error is not None:
            self._table.drop(entry)
            raise again(entry.error)

    def _require_local(self) -> LocalModels:
        if self._local is None:
            raise RequestError(
                Status.UNKNOWN,
                "There is no directory for models: set runtime.local_models_dir to one that exists",
            )
        return self._local

    def _require_deploy_id(self, model_id: str) -> None:
        if not (model_id or "").strip():
            raise RequestError(Status.INVALID_ARGUMENT, "Must provide model_id")
        require_plain_name("model_id", model_id)

    def _go_without_local_models(self) -> None:
        directory = self.settings.local_models_dir
        if self.settings.lazy_load:
            message = f"runtime.lazy_load_local_models needs runtime.local_models_dir: {directory!r} is not a directory"
            log.error("<RUN44773514E>", message)
            raise ValueError(message)
        if directory is not None:
            log.warning(
                "<RUN53709826W>", "No local models: runtime.local_models_dir %r is not a directory", directory
            )
        self._local = None


def _wait_for(entries: Iterable[LoadedModel]) -> None:
    for entry in entries:
        entry.wait()
