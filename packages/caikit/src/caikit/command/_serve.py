"""`caikit serve`: serve a library."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ._errors import CommandError
from ._output import Output
from ._parser import add_command, add_library_options, port_number
from ._terminal import is_terminal

if TYPE_CHECKING:
    from caikit.runtime.server_base import RuntimeServerBase

    from ._parser import Subparsers

_LEVELS = ("off", "fatal", "error", "warning", "info", "trace", "debug")
_ANYWHERE = ("", "0.0.0.0", "::", "[::]")  # noqa: S104 - compared with, not bound


def add_to(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "serve",
        run,
        summary="serve a library over gRPC and HTTP",
        description="Serve a library over gRPC and HTTP, until Ctrl-C or SIGTERM. When it is ready, one line says what "
        "is served and where. What no option says comes from the configuration; the log goes to standard error.",
        examples=[
            ("caikit serve", "the library in this folder"),
            ("caikit serve text_mood --config text_mood/config.yml", "a package, with settings"),
            ("caikit serve --http-port 0 --no-grpc", "HTTP alone, on any free port"),
            ("caikit serve --tls-key server.key --tls-cert server.pem", "encrypted"),
        ],
    )
    add_library_options(parser, positional=True)
    add = parser.add_argument
    boolean = argparse.BooleanOptionalAction
    add("--models-dir", metavar="DIR", help="folder of the models (runtime.local_models_dir)")
    add("--host", metavar="HOST", help="address to listen on (runtime.grpc.host, runtime.http.host)")
    add("--grpc", action=boolean, help="serve over gRPC (runtime.grpc.enabled)")
    add("--grpc-port", metavar="PORT", type=port_number, help="0 for any that is free (runtime.grpc.port)")
    add("--http", action=boolean, help="serve over HTTP (runtime.http.enabled)")
    add("--http-port", metavar="PORT", type=port_number, help="0 for any that is free (runtime.http.port)")
    add("--metrics", action=boolean, help="serve figures for Prometheus (runtime.metrics.enabled)")
    add(
        "--metrics-port",
        metavar="PORT",
        type=port_number,
        help="0 for any that is free (runtime.metrics.port)",
    )
    add(
        "--workers",
        metavar="N",
        type=_worker_count,
        help="processes that serve, 0 for one per core (runtime.workers)",
    )
    add("--tls-key", metavar="FILE", help="private key of the server, PEM (runtime.tls.server.key)")
    add("--tls-cert", metavar="FILE", help="its certificate, PEM (runtime.tls.server.cert)")
    add(
        "--tls-client-ca",
        metavar="FILE",
        help="authority of the clients' certificates (runtime.tls.client.cert)",
    )
    add("--log-level", choices=_LEVELS, metavar="LEVEL", help=f"{', '.join(_LEVELS)} (log.level)")
    add("--log-format", choices=["json", "pretty"], help="default: pretty on a terminal, else log.formatter")


def run(options: argparse.Namespace) -> None:
    _override_settings(options)
    if not getattr(options, "debug", False):
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its C core has a log of its own
    from caikit.core.toolkit import logging as caikit_logging
    from caikit.runtime._workers.program import run_program

    from ._library import use_library, use_settings

    use_settings(options.config)
    options.config = []
    caikit_logging.configure()
    library = use_library(options)
    protocols = _protocols()
    announce = partial(_announce, library, Output(options))
    try:
        run_program(protocols, partial(_serve, protocols, announce), on_serving=announce)
    except SystemExit as end:
        reason = getattr(end, "reason", None)
        if reason is None:
            raise
        raise CommandError(reason) from end


def _serve(protocols: list[str], announce: Callable[[dict[str, int]], None]) -> None:
    from caikit.runtime._serving.signals import SIGNAL_RELAY

    with SIGNAL_RELAY.waiting(), contextlib.ExitStack() as stack:
        servers: list[RuntimeServerBase] = []
        for server_class in map(_server_class, protocols):
            if SIGNAL_RELAY.is_ending:
                return
            servers.append(server_class())
            stack.callback(servers[-1].stop)
        # Not before all are built: they may share a port, on which each is missed from the first request on.
        for server in servers:
            server.start(blocking=False)
        announce({protocol: server.port for protocol, server in zip(protocols, servers, strict=True)})
        for server in servers:
            server.wait()


def _protocols() -> list[str]:
    from caikit.config import get_config

    runtime = get_config().runtime
    enabled = [protocol for protocol in ("grpc", "http") if runtime[protocol].enabled]
    if not enabled:
        raise CommandError(
            "There is nothing to serve: runtime.grpc.enabled and runtime.http.enabled are false"
        )
    return enabled


def _server_class(protocol: str) -> type[RuntimeServerBase]:
    try:
        if protocol == "grpc":
            from caikit.runtime.grpc_server import RuntimeGRPCServer

            return RuntimeGRPCServer
        from caikit.runtime.http_server import RuntimeHTTPServer

        return RuntimeHTTPServer
    except ImportError as problem:
        raise CommandError(
            f"Serving over {protocol} needs caikit[runtime-{protocol}] ({problem}); --no-{protocol} does without"
        ) from problem


def _announce(library: str, output: Output, ports: dict[str, int]) -> None:
    """Say what is served, and where."""
    from caikit.config import get_config

    from ._library_rpcs import library_rpcs

    runtime = get_config().runtime
    encrypted = bool(((runtime.tls or {}).get("server") or {}).get("key"))
    addresses = {
        protocol: _address(protocol, runtime[protocol].get("host"), port, encrypted=encrypted)
        for protocol, port in ports.items()
    }
    tasks = sorted({rpc.task for rpc in library_rpcs() if rpc.kind == "task"})
    # Who listened may have gone; the server stays.
    with contextlib.suppress(BrokenPipeError):
        if output.is_json:
            output.document({"library": library, "tasks": tasks, **addresses})
            return
        served = f"{library} ({', '.join(tasks) or 'no tasks'})"
        places = ", ".join(f"{protocol} {address}" for protocol, address in addresses.items())
        output.line(f"Serving {served}: {places}; Ctrl-C stops it")


def _address(protocol: str, host: Any, port: int, *, encrypted: bool) -> str:
    shown = "localhost" if str(host or "") in _ANYWHERE else str(host)
    if protocol == "grpc":
        return f"{'grpcs://' if encrypted else ''}{shown}:{port}"
    return f"{'https' if encrypted else 'http'}://{shown}:{port}"


def _override_settings(options: argparse.Namespace) -> None:
    from ._library import override

    for variable, value in {
        "RUNTIME_LOCAL_MODELS_DIR": options.models_dir and os.path.abspath(options.models_dir),
        "RUNTIME_GRPC_HOST": options.host,
        "RUNTIME_HTTP_HOST": options.host,
        "RUNTIME_GRPC_ENABLED": options.grpc,
        "RUNTIME_HTTP_ENABLED": options.http,
        "RUNTIME_METRICS_ENABLED": options.metrics,
        "RUNTIME_GRPC_PORT": options.grpc_port,
        # an older name of the same setting, which would count more
        "RUNTIME_PORT": None if options.grpc_port is None else "null",
        "RUNTIME_HTTP_PORT": options.http_port,
        "RUNTIME_METRICS_PORT": options.metrics_port,
        "RUNTIME_WORKERS": options.workers,
        "RUNTIME_TLS_SERVER_KEY": _existing(options.tls_key),
        "RUNTIME_TLS_SERVER_CERT": _existing(options.tls_cert),
        "RUNTIME_TLS_CLIENT_CERT": _existing(options.tls_client_ca),
        "LOG_LEVEL": options.log_level,
        "LOG_FORMATTER": options.log_format,
    }.items():
        override(variable, value)
    if options.log_format is None and is_terminal(sys.stderr):
        os.environ.setdefault("LOG_FORMATTER", "pretty")


def _worker_count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"expected a number of processes, got {text!r}")
    return int(text)


def _existing(path: str | None) -> str | None:
    if path is not None and not os.path.isfile(path):
        raise CommandError(f"There is no file {path}")
    return path and os.path.abspath(path)
