"""Which listener the configuration asks for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_STANDARD = {
    "grpc": "caikit.runtime.transport.grpcio",
    "http": "caikit.runtime.transport.uvicorn_server",
}


def uses_native(config: Any) -> bool:
    """What `runtime.transport` says. Raises ValueError for what it cannot say."""
    given = config.runtime.get("transport") or "native"
    if given not in ("standard", "native"):
        raise ValueError(f"expected native or standard as runtime.transport, got {given!r}")
    return bool(given == "native")


def import_listener(config: Any, protocol: str) -> None:
    """Import what will listen for grpc or http; raises ImportError if it is not installed."""
    import_module("caikit.runtime.transport.native" if uses_native(config) else _STANDARD[protocol])
