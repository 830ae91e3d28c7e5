"""The models of a runtime: loaded, counted, watched, deployed and dropped."""

from ._batching import ModelBatch
from ._entry import Lease, LoadedModel, ModelState
from .settings import StoreSettings
from .shared import SHARED_STORE, SharedStore
from .store import ModelStore

__all__ = [
    "SHARED_STORE",
    "Lease",
    "LoadedModel",
    "ModelBatch",
    "ModelState",
    "ModelStore",
    "SharedStore",
    "StoreSettings",
]
