"""What the annotations of a train method ask for."""

from __future__ import annotations

from typing import Any

from caikit.runtime.services.training import data_stream_element, is_model_type

__all__ = ["get_data_stream_type", "has_data_stream", "is_model_type"]


def has_data_stream(annotation: Any) -> bool:
    """Whether an annotation is, or has among its alternatives, a data stream."""
    return data_stream_element(annotation) is not None


def get_data_stream_type(annotation: Any) -> Any:
    """The element type of the data stream in an annotation."""
    element = data_stream_element(annotation)
    if element is None:
        raise TypeError(f"expected a DataStream annotation, got {annotation}")
    return element
