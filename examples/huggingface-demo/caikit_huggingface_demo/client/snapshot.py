"""What is known about the backend at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    READY = "ready"
    LOADING = "loading"
    FAILED = "failed"


@dataclass(frozen=True)
class Model:
    id: str
    tab: str
    state: State
    text: str = ""
    """The note of a model that is ready, or why it could not be loaded."""


@dataclass(frozen=True)
class Snapshot:
    reachable: bool = True
    problem: str = ""
    models: tuple[Model, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
    """Tabs that cannot be there, with the reason."""

    def ready(self, tab: str) -> list[Model]:
        if tab in dict(self.missing):
            return []
        return [model for model in self.models if model.tab == tab and model.state is State.READY]

    def trouble(self, tab: str) -> str:
        """Why a tab is not there although somebody wants it; empty if nobody does."""
        if not self.reachable:
            return self.problem
        if tab in dict(self.missing):
            return dict(self.missing)[tab]
        return "; ".join(
            model.text for model in self.models if model.tab == tab and model.state is State.FAILED
        )

    def note(self, tab: str, model_id: str) -> str:
        return next((model.text for model in self.ready(tab) if model.id == model_id), "")
