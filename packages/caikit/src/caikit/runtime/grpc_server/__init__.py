"""The gRPC server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caikit._lazy import lazy_attributes

if TYPE_CHECKING:
    from ._server import RuntimeGRPCServer, main

__all__ = ["RuntimeGRPCServer", "main"]

# A program that only looks after workers needs no gRPC.
__getattr__, __dir__ = lazy_attributes(
    __name__, {"caikit.runtime.grpc_server._server": ["RuntimeGRPCServer", "main"]}
)
