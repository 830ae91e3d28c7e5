"""The text that a module gives a gRPC status."""

from __future__ import annotations


def read_details(details: object) -> str:
    """Wrong ones are refused here, where their maker can be told: TypeError for what is neither str nor bytes."""
    if isinstance(details, str):
        return details
    if isinstance(details, bytes):
        return details.decode("utf-8", "replace")
    raise TypeError(f"expected details as str or bytes, got {type(details).__name__}")
