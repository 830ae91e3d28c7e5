"""Serves over all protocols that the configuration enables."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import alog

from caikit.config import get_config
from caikit.core.toolkit import logging

from ._serving.signals import SIGNAL_RELAY
from ._serving.start_failures import told_in_one_sentence
from ._workers.program import run_program

if TYPE_CHECKING:
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
    with told_in_one_sentence():
        logging.configure()
        protocols = _enabled_protocols()
        run_program(protocols, partial(_serve_alone, protocols))


def find_servers(protocols: Sequence[str]) -> list[type[RuntimeServerBase]]:
    """The server of each protocol; what it needs may not be installed."""
    imports = {
        "grpc": (_import_grpc_server, "<RUN72169927E>", "caikit[runtime-grpc]"),
        "http": (_import_http_server, "<RUN76169927E>", "caikit[runtime-http]"),
    }
    return [_import(*imports[protocol]) for protocol in protocols]


def _serve_alone(protocols: Sequence[str]) -> None:
    from ._serving.libraries import import_libraries

    with SIGNAL_RELAY.waiting():
        import_libraries()
        _serve(find_servers(protocols))


def _serve(server_classes: list[type[RuntimeServerBase]]) -> None:
    servers: list[RuntimeServerBase] = []
    try:
        for server_class in server_classes:
            if SIGNAL_RELAY.is_ending:
                break
            servers.append(server_class())
        # Not before all are built: they may share a port, on which each is missed from the first request on.
        for server in servers:
            server.start(blocking=False)
        for server in servers:
            server.wait()
    finally:
        for server in servers:
            server.stop()


def _enabled_protocols() -> list[str]:
    runtime = get_config().runtime
    enabled = [protocol for protocol in ("grpc", "http") if runtime[protocol].enabled]
    if not enabled:
        log.error(
            "<RUN41512230E>", "Nothing to serve: runtime.grpc.enabled and runtime.http.enabled are false"
        )
        sys.exit(1)
    return enabled


def _import(
    import_server: Callable[[], type[RuntimeServerBase]], log_code: str, extra: str
) -> type[RuntimeServerBase]:
    try:
        return import_server()
    except ImportError as error:
        log.error(log_code, "This server needs %s: %s", extra, error)
        raise


def _import_grpc_server() -> type[RuntimeServerBase]:
    from ._serving.transport_choice import import_listener
    from .grpc_server import RuntimeGRPCServer

    import_listener(get_config(), "grpc")
    return RuntimeGRPCServer


def _import_http_server() -> type[RuntimeServerBase]:
    from ._serving.transport_choice import import_listener
    from .http_server import RuntimeHTTPServer

    import_listener(get_config(), "http")
    return RuntimeHTTPServer


if __name__ == "__main__":
    main()
