"""Which model a request of the mesh is about."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.status import Status
from caikit.runtime.models.names import require_model_id


@dataclass(frozen=True, slots=True)
class Target:
    """A model to load or to measure; `size_on_disk` is known where somebody else has fetched the files."""

    model_id: str
    model_type: str
    path: str
    size_on_disk: int | None = None

    @classmethod
    def of(cls, request: Any) -> Target:
        """INVALID_ARGUMENT unless the request names a model and its type."""
        key = _read_key(request.modelKey)
        model_type = _type_in(key) or request.modelType
        require_model_id(request.modelId)
        if not model_type:
            raise RequestError(Status.INVALID_ARGUMENT, "Missing required model type")
        return cls(request.modelId, model_type, request.modelPath, _size_in(key))


def _read_key(text: str) -> dict[str, Any]:
    """The JSON object in a model key; other texts say nothing."""
    try:
        key = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return {}
    return key if isinstance(key, dict) else {}


def _type_in(key: dict[str, Any]) -> str:
    found = key.get("model_type")
    name = found.get("name") if isinstance(found, dict) else found
    return name if isinstance(name, str) else ""


def _size_in(key: dict[str, Any]) -> int | None:
    size = key.get("disk_size_bytes")
    return size if isinstance(size, int) and not isinstance(size, bool) and size > 0 else None
