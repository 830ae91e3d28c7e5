"""The type of the request context that modules may ask for."""

from __future__ import annotations

from typing import Union

__all__ = ["RuntimeServerContextType"]

# Forward references: neither library is loaded by this name.
RuntimeServerContextType = Union["grpc.ServicerContext", "fastapi.Request"]  # type: ignore[name-defined]  # noqa: F821
