"""Finds models that need no folder, because text generation servers have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import alog

from caikit.core import MODEL_MANAGER, ModuleConfig
from caikit.core.exceptions import error_handler
from caikit.core.model_management import ModelFinderBase
from caikit_tgis_backend import TGISBackend
from caikit_tgis_backend.settings import warn_of_unknown_keys

from ..modules.text_generation import TextGeneration, TextGenerationTGIS

if TYPE_CHECKING:
    import aconfig

__all__ = ["TGISAutoFinder"]

log = alog.use_channel("TGIS_FIND")
error = error_handler.get(log)

_KEYS = ("local_initializer_name", "tgis_backend_priority", "model_manager")


class TGISAutoFinder(ModelFinderBase):
    """Finder type TGIS-AUTO: any model that a TGIS backend can reach.

    Config: `local_initializer_name`, the initializer whose backend it is, and `tgis_backend_priority`, the number of the
    backend in its `backend_priority`; by default the first of type TGIS.
    """

    name = "TGIS-AUTO"

    def __init__(self, config: aconfig.Config, instance_name: str) -> None:
        warn_of_unknown_keys(f"The finder {instance_name}", config, _KEYS)
        initializer = config.get("local_initializer_name", "default")
        priority = config.get("tgis_backend_priority")
        error.type_check("<NLP31270834E>", str, local_initializer_name=initializer)
        error.type_check("<NLP31270835E>", int, allow_none=True, tgis_backend_priority=priority)
        manager = config.get("model_manager") or MODEL_MANAGER
        self._backend = _choose(getattr(manager.get_initializer(initializer), "backends", []), priority)

    def find_model(self, model_path: str, **kwargs: Any) -> ModuleConfig | None:
        """A configuration for the model of this id, None if the backend has no connection for it."""
        if self._backend.get_connection(model_path) is None:
            log.debug("<NLP31270836D>", "No connection for %s", model_path)
            return None
        config = ModuleConfig(
            {
                "module_id": TextGeneration.MODULE_ID,
                "name": TextGeneration.MODULE_NAME,
                "version": TextGeneration.MODULE_VERSION,
                "module_class": TextGenerationTGIS.MODULE_CLASS,
                "model_backend": TGISBackend.backend_type,
                "model_name": model_path,
            }
        )
        config.tgis_backend = self._backend
        return config


def _choose(backends: list[Any], priority: int | None) -> TGISBackend:
    if priority is not None:
        error.value_check(
            "<NLP31270837E>",
            0 <= priority < len(backends),
            f"expected tgis_backend_priority below {len(backends)}, got {priority}",
        )
        chosen = backends[priority]
        error.value_check(
            "<NLP31270838E>",
            isinstance(chosen, TGISBackend),
            f"expected a TGIS backend at tgis_backend_priority {priority}, got {chosen.backend_type}",
        )
        return chosen  # type: ignore[no-any-return]  # checked above
    for backend in backends:
        if isinstance(backend, TGISBackend):
            return backend
    return error("<NLP31270839E>", ValueError("No TGIS backend found!"))
