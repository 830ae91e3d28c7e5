"""Names of the protobuf packages."""

from __future__ import annotations

from caikit.core.data_model import CAIKIT_DATA_MODEL

NLP_PACKAGE = f"{CAIKIT_DATA_MODEL}.nlp"
EMBEDDING_PACKAGE = f"{CAIKIT_DATA_MODEL}.caikit_nlp"

__all__ = ["EMBEDDING_PACKAGE", "NLP_PACKAGE"]
