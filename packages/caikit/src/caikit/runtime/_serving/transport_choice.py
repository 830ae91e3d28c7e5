"""Which listener the configuration asks for."""

from __future__ import annotations

from typing import Any

_EXTRA = "caikit[runtime-http]"


def is_native(config: Any) -> bool:
    """What `runtime.transport` says. Raises ValueError for what it cannot say."""
    given = config.runtime.get("transport") or "standard"
    if given not in ("standard", "native"):
        raise ValueError(f"expected standard or native as runtime.transport, got {given!r}")
    return bool(given == "native")


def uses_native(config: Any) -> bool:
    """The same; raises ImportError if something is missing for it."""
    if not is_native(config):
        return False
    try:
        import hpack  # noqa: F401 - imported here to be told by the name of its extra
        import httptools  # noqa: F401 - as above
    except ImportError as error:
        raise ImportError(f"The native transport (runtime.transport) needs {_EXTRA}: {error}") from error
    return True
