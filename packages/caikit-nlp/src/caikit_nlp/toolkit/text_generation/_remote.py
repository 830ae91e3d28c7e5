"""A model at the servers of a backend."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from .._imports import require

if TYPE_CHECKING:
    from caikit.core.data_model import ProducerId
    from caikit_tgis_backend import TGISBackend

    from .tgis_utils import TGISGenerationClient

__all__ = ["RemoteModel"]


class RemoteModel:
    """Connects when it is first called."""

    def __init__(
        self,
        backend: TGISBackend | None,
        model_name: str,
        producer_id: ProducerId,
        prompt_id: str | None = None,
    ) -> None:
        self._backend = backend
        self._model_name = model_name
        self._producer_id = producer_id
        self._prompt_id = prompt_id
        self._client: TGISGenerationClient | None = None
        self._lock = threading.Lock()

    def client(self, context: Any) -> TGISGenerationClient | None:
        """What calls the server; the context of a request may say where that is. None without a backend."""
        if self._backend is None:
            return None
        if context is not None:
            self._backend.handle_runtime_context(self._model_name, context)
        with self._lock:
            if self._client is None:
                self._client = self._connect(self._backend)
            return self._client

    def _connect(self, backend: TGISBackend) -> TGISGenerationClient:
        require("grpc", "tgis", "models of text generation servers")
        from .tgis_utils import TGISGenerationClient

        return TGISGenerationClient(
            self._model_name, backend.get_client(self._model_name), self._producer_id, self._prompt_id
        )
