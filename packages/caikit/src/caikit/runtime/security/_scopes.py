"""The kinds of requests, each of which needs a scope of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from caikit.runtime.engine import Kind, Operation
from caikit.runtime.names import (
    TRAINING_JOBS_SERVICE,
    ServiceType,
    get_service_name,
    get_service_package_name,
)


class Scope(Enum):
    """What a request is for, and what a caller may do."""

    INFER = "infer"
    """Call models, also as jobs."""
    TRAIN = "train"
    """Start trainings, ask for them and cancel them."""
    MANAGE = "manage"
    """Deploy, undeploy, load and unload models."""
    READ = "read"
    """Ask for models and versions."""
    INTERFACES = "interfaces"
    """Read the OpenAPI document, its pages, and gRPC's reflection."""
    METRICS = "metrics"
    """Read the figures for Prometheus."""


class Access(Enum):
    """Who may make requests of one kind."""

    OPEN = "open"
    TOKEN = "token"  # noqa: S105 - no secret
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Grant:
    """A caller who is known."""

    name: str
    scopes: frozenset[Scope]


_ALL = "all"
_KINDS = {
    Kind.INFERENCE: Scope.INFER,
    Kind.JOB: Scope.INFER,
    Kind.TRAINING: Scope.TRAIN,
    Kind.MANAGEMENT: Scope.MANAGE,
    Kind.INFO: Scope.READ,
}
_TRAINING_SERVICES = frozenset(
    {
        "processproto.Process",
        TRAINING_JOBS_SERVICE,
        ".".join(
            (
                get_service_package_name(ServiceType.TRAINING_MANAGEMENT),
                get_service_name(ServiceType.TRAINING_MANAGEMENT),
            )
        ),
    }
)


def scope_of(operation: Operation) -> Scope:
    if operation.service in _TRAINING_SERVICES:
        return Scope.TRAIN
    return _KINDS[operation.kind]


def parse_scopes(names: Iterable[str], where: str) -> frozenset[Scope]:
    """The scopes of these names; `all` stands for every one."""
    found: set[Scope] = set()
    for name in names:
        if name == _ALL:
            found.update(Scope)
        elif name in Scope._value2member_map_:
            found.add(Scope(name))
        else:
            known = ", ".join(scope.value for scope in Scope)
            raise ValueError(f"{where}: expected scopes among {known} and {_ALL}, got {name!r}")
    return frozenset(found)
