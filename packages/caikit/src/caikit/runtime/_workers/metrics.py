"""The metrics of all workers, whichever of them is asked."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIServer

from caikit.runtime.engine import RequestContext
from caikit.runtime.metrics import MetricsEndpoint

from .samples import Family
from .team import Team

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_ANSWER_SECONDS = 2.0


class TeamMetricsEndpoint(MetricsEndpoint):
    """Listens where all workers listen, and shows their figures added up."""

    def __init__(self, team: Team, shared_port: int, **settings: Any) -> None:
        super().__init__(**{**settings, "port": shared_port})
        self._team = team

    def stop(self) -> None:
        # A worker that leaves on its own takes nothing with it.
        self._team.tell("samples", families=snapshot())
        super().stop()

    def _make_app(self) -> Any:
        from prometheus_client import CollectorRegistry, make_wsgi_app

        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Total(self._team))
        return make_wsgi_app(registry)

    def _server_class(self) -> type[WSGIServer]:
        return _sharing(super()._server_class())


def snapshot() -> list[Family]:
    """The figures of this worker."""
    from prometheus_client import REGISTRY

    return [
        [
            metric.name,
            metric.documentation,
            metric.type,
            metric.unit,
            [[sample.name, sample.labels, float(sample.value)] for sample in metric.samples],
        ]
        for metric in REGISTRY.collect()
    ]


class _Total:
    """Implements the collector interface of `prometheus_client`."""

    def __init__(self, team: Team) -> None:
        self._team = team

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import Metric

        question = self._team.ask("samples", {"families": snapshot()}, seconds=_ANSWER_SECONDS)
        for answer in question.answers(RequestContext(headers={})):
            for name, documentation, kind, unit, samples in answer.result or ():
                metric = Metric(name, documentation, kind, unit)
                for sample, labels, value in samples:
                    metric.add_sample(sample, labels, value)
                yield metric


def _sharing(server_class: type[WSGIServer]) -> type[WSGIServer]:
    class SharingServer(server_class):  # type: ignore[valid-type,misc]  # a class that is known at run time only
        def server_bind(self) -> None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            super().server_bind()

    return SharingServer
