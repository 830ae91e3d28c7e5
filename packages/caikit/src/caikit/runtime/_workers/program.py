"""The choice of every program that serves: alone, or by workers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from caikit.config import get_config
from caikit.core.toolkit import logging
from caikit.runtime._serving.ports import check_ports

from .count import count_workers, find_patience


def run_program(
    protocols: Sequence[str],
    serve_alone: Callable[[], object],
    on_serving: Callable[[dict[str, int]], object] | None = None,
) -> None:
    """Serve these protocols until SIGINT or SIGTERM, in as many processes as the configuration says.

    Workers tell `on_serving` the port of each protocol when all of them serve. ValueError for settings that cannot
    be used, OSError where it cannot listen; `WorkersFailed`, a SystemExit, when the workers cannot go on.
    """
    logging.configure()
    config = get_config()
    workers = count_workers(config)
    find_patience(config)
    check_ports(config, protocols)
    if workers == 1:
        serve_alone()
        return
    from .supervisor import supervise

    supervise(config, workers, list(protocols), on_serving)
    sys.exit(0)
