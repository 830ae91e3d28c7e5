"""The protobuf package of the data objects."""

from __future__ import annotations

CAIKIT_NLP_PACKAGE = "caikit_data_model.caikit_nlp"

__all__ = ["CAIKIT_NLP_PACKAGE"]
