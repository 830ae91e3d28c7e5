"""The documented way to reach the models of this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from caikit.core import ModuleBase
from caikit.runtime.engine.errors import RequestError
from caikit.runtime.models import SHARED_STORE, LoadedModel, ModelStore
from caikit.runtime.services._errors import runtime_error

__all__ = ["ModelManager"]


class ModelManager:
    """Gives access to a model store under its documented names."""

    _instance: ClassVar[ModelManager | None] = None

    def __init__(self, store: ModelStore | None = None) -> None:
        """Without a store of its own, it stands for the one that the servers of this process share."""
        self._own_store = store

    @classmethod
    def get_instance(cls) -> ModelManager:
        """The manager of the shared store."""
        if cls._instance is None:
            cls._instance = cls()
        return cls._instance

    @property
    def store(self) -> ModelStore:
        """The store; the shared one is opened if no server has done so."""
        return self._own_store or SHARED_STORE.open()

    @property
    def loaded_models(self) -> dict[str, LoadedModel]:
        """A copy of the table of models; empty while no store is open."""
        store = self._own_store or SHARED_STORE.current
        return {} if store is None else store.models

    def load_model(
        self,
        model_id: str,
        local_model_path: str,
        model_type: str,
        wait: bool = True,
        retries: int | None = None,
        finder: Any = None,
        initializer: Any = None,
    ) -> LoadedModel:
        with _documented_errors():
            return self.store.load(
                model_id,
                local_model_path,
                model_type,
                wait=wait,
                retries=retries or 0,
                finder=finder,
                initializer=initializer,
            )

    def retrieve_model(self, model_id: str) -> ModuleBase:
        """The model, loaded first where that is allowed."""
        with _documented_errors(), self.store.use(model_id) as model:
            return model

    def unload_model(self, model_id: str) -> int:
        return self.store.unload(model_id)

    def unload_all_models(self) -> None:
        self.store.unload_all()

    def get_model_size(self, model_id: str) -> int:
        with _documented_errors():
            return self.store.size(model_id)

    def estimate_model_size(self, model_id: str, local_model_path: str, model_type: str) -> int:
        with _documented_errors():
            return self.store.estimate_size(model_id, local_model_path, model_type)

    def deploy_model(self, model_id: str, model_files: Mapping[str, bytes]) -> LoadedModel:
        """Save a new model in the local model directory and begin to load it."""
        with _documented_errors():
            return self.store.deploy(model_id, list(model_files.items()))

    def undeploy_model(self, model_id: str) -> None:
        with _documented_errors():
            self.store.undeploy(model_id)

    def sync_local_models(self, wait: bool = False, load: bool = True) -> None:
        self.store.sync_local_models(wait=wait, load=load)

    def shut_down(self) -> None:
        """Drop all models and end all threads of the store."""
        store = self._own_store or SHARED_STORE.current
        if store is not None:
            store.close()


@contextmanager
def _documented_errors() -> Iterator[None]:
    """Programs expect CaikitRuntimeException."""
    try:
        yield
    except RequestError as error:
        raise runtime_error(error.status, error.message) from error
