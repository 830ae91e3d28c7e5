"""The choice of every program that serves: alone, or by workers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import alog

from caikit.config import get_config
from caikit.core.toolkit import logging
from caikit.runtime._serving.ports import check_ports

from .count import count_workers, find_patience

log = alog.use_channel("RUNTIME-MAIN")


def run_program(
    protocols: Sequence[str],
    serve_alone: Callable[[], object],
    on_serving: Callable[[dict[str, int]], object] | None = None,
) -> None:
    """Serve these protocols until SIGINT or SIGTERM, in as many processes as the configuration says.

    Workers tell `on_serving` the port of each protocol when all of them serve.
    """
    logging.configure()
    config = get_config()
    try:
        workers = count_workers(config)
        find_patience(config)
        check_ports(config, protocols)
    except ValueError as error:
        log.error("<RUN61240120E>", "%s", error)
        sys.exit(1)
    if workers == 1:
        serve_alone()
        return
    from .supervisor import supervise

    try:
        sys.exit(supervise(config, workers, list(protocols), on_serving))
    except OSError as error:
        log.error("<RUN61240121E>", "The workers cannot be started: %s", error)
        sys.exit(1)
