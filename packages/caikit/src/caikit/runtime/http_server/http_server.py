"""The documented home of the HTTP server and of the names of its stream events."""

from caikit.runtime.names import StreamEventTypes

from ._server import RuntimeHTTPServer, main

__all__ = ["RuntimeHTTPServer", "StreamEventTypes", "main"]
