"""The gRPC server."""

from ._server import RuntimeGRPCServer, main

__all__ = ["RuntimeGRPCServer", "main"]
