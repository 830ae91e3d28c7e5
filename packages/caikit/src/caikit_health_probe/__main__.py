"""`python -m caikit_health_probe [readiness|liveness] [identifier]`: exit code 0 is good, 1 is not."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from caikit.config import get_config

from ._grpc import grpc_is_ready
from ._http import http_is_ready
from ._processes import RUNTIME, process_exists

__all__ = ["liveness_probe", "main", "readiness_probe"]

_USAGE = "usage: caikit-health-probe [readiness | liveness [identifier]]"


def readiness_probe() -> bool:
    """Whether every server that the configuration enables says that it serves."""
    config = get_config()
    runtime = config.runtime
    probes = []
    if runtime.http.enabled:
        probes.append(http_is_ready)
    if runtime.grpc.enabled:
        probes.append(grpc_is_ready)
    return all(probe(runtime) for probe in probes)


def liveness_probe(runtime_proc_identifier: str = RUNTIME) -> bool:
    """Whether a process of this Python runs a server, or one that has the identifier in an argument."""
    return process_exists(runtime_proc_identifier)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; always ends the process."""
    match list(sys.argv[1:] if arguments is None else arguments):
        case [] | ["readiness"]:
            healthy = readiness_probe()
        case ["liveness", *identifier] if len(identifier) <= 1:
            healthy = liveness_probe(*identifier)
        case ["-h" | "--help"]:
            print(_USAGE)  # noqa: T201 - a command prints its help
            healthy = True
        case _:
            print(_USAGE, file=sys.stderr)  # noqa: T201 - as above
            healthy = False
    sys.exit(0 if healthy else 1)


if __name__ == "__main__":
    main()
