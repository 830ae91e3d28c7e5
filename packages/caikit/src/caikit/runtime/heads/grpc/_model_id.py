"""Which model the metadata of a call name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caikit.runtime.engine import RequestError, Status
from caikit.runtime.names import MODEL_MESH_MODEL_ID_KEY

# For ids that are not plain ASCII: metadata of other names cannot carry them.
_BINARY_KEY = f"{MODEL_MESH_MODEL_ID_KEY}-bin"


def find_model_id(metadata: Mapping[str, Any]) -> str | None:
    """The id of the concrete model; that of a virtual one, which a mesh resolves, does not count."""
    model_id: str | None = metadata.get(MODEL_MESH_MODEL_ID_KEY)
    if model_id or _BINARY_KEY not in metadata:
        return model_id
    try:
        return bytes(metadata[_BINARY_KEY]).decode()
    except UnicodeDecodeError as error:
        raise RequestError(
            Status.INVALID_ARGUMENT, f"Metadata {_BINARY_KEY}: expected UTF-8, {error}"
        ) from error
