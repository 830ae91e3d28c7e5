"""What is known about the backend at a moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from .services import Services


class State(Enum):
    READY = "ready"
    LOADING = "loading"
    FAILED = "failed"


@dataclass(frozen=True)
class Model:
    id: str
    tasks: tuple[str, ...] | None
    """None if its module is not known here, and the backend does not tell."""
    state: State
    text: str = ""
    """The note of a model that is ready, or why it could not be loaded."""


@dataclass(frozen=True)
class Snapshot:
    reachable: bool = True
    problem: str = ""
    services: Services = field(default_factory=Services)
    models: tuple[Model, ...] = ()
    refusals: frozenset[tuple[str, str]] = frozenset()
    """(method, model id) of what was tried, and cannot be."""
