"""Serves over all protocols that the configuration enables."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import alog

from caikit.config import get_config
from caikit.core.toolkit import logging

from ._serving.signals import SIGNAL_RELAY
from .server_base import RuntimeServerBase

__all__ = ["main"]

log = alog.use_channel("RUNTIME-MAIN")


def main() -> None:
    """Start the servers and wait until they are stopped."""
    argparse.ArgumentParser(
        prog="python -m caikit.runtime",
        description="Serve a library of modules over gRPC and HTTP until SIGINT or SIGTERM.",
        epilog="Settings come from the files that CONFIG_FILES names and from the environment, such as "
        "RUNTIME_LIBRARY=my_library and RUNTIME_HTTP_PORT=8080.",
    ).parse_args()
    logging.configure()
    with SIGNAL_RELAY.waiting():
        _serve(_find_servers())


def _serve(server_classes: list[type[RuntimeServerBase]]) -> None:
    servers: list[RuntimeServerBase] = []
    try:
        for server_class in server_classes:
            servers.append(server_class())
            servers[-1].start(blocking=False)
        for server in servers:
            server.wait()
    finally:
        for server in servers:
            server.stop()


def _find_servers() -> list[type[RuntimeServerBase]]:
    runtime = get_config().runtime
    found = []
    if runtime.grpc.enabled:
        found.append(_import(_import_grpc_server, "<RUN72169927E>", "caikit[runtime-grpc]"))
    if runtime.http.enabled:
        found.append(_import(_import_http_server, "<RUN76169927E>", "caikit[runtime-http]"))
    if not found:
        log.error(
            "<RUN41512230E>", "Nothing to serve: runtime.grpc.enabled and runtime.http.enabled are false"
        )
        sys.exit(1)
    return found


def _import(
    import_server: Callable[[], type[RuntimeServerBase]], log_code: str, extra: str
) -> type[RuntimeServerBase]:
    try:
        return import_server()
    except ImportError as error:
        log.error(log_code, "This server needs %s: %s", extra, error)
        raise


def _import_grpc_server() -> type[RuntimeServerBase]:
    from .grpc_server import RuntimeGRPCServer

    return RuntimeGRPCServer


def _import_http_server() -> type[RuntimeServerBase]:
    from .http_server import RuntimeHTTPServer

    return RuntimeHTTPServer


if __name__ == "__main__":
    main()
