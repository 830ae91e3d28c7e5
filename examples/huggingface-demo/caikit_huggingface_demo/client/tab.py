"""A tab of the page, and the models that are for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .forms import Builds
from .services import Task
from .snapshot import Model, Snapshot, State

PICTURES: tuple[Any, ...] = ("pictures",)
"""Stands for the example pictures, if there are any."""


@dataclass(frozen=True)
class Tab:
    name: str
    task: str
    form: Builds
    takes: tuple[str, ...] = ()
    """The fields of the request that the form fills in."""
    gives: str = ""
    """The message that the form shows; empty if it was made for whatever the backend serves."""
    examples: Sequence[Any] = ()

    def fits(self, task: Task) -> bool:
        if task.name != self.task or not self.gives:
            return task.name == self.task
        method = task.method(self._method)
        return (
            method is not None
            and method.answer.name == self.gives
            and set(method.request.fields_by_name).issuperset(self.takes)
        )

    def ready(self, snapshot: Snapshot) -> list[str]:
        """The ids of the models that can be asked; without one, there is no tab."""
        task = next(filter(self.fits, snapshot.services.tasks), None)
        if task is None:
            return []
        ready = (model for model in snapshot.models if model.state is State.READY)
        return [model.id for model in ready if self._is_for(task, model, snapshot)]

    def note(self, snapshot: Snapshot, model_id: str | None) -> str:
        return next((model.text for model in snapshot.models if model.id == model_id), "")

    def trouble(self, snapshot: Snapshot) -> str:
        """Why a tab is not there although somebody wants it; empty if nobody does."""
        if not snapshot.reachable:
            return snapshot.problem
        if not any(task.name == self.task for task in snapshot.services.tasks):
            return f"Failed to find expected method: {self._method}"
        failed = [model for model in snapshot.models if model.state is State.FAILED]
        return "; ".join(model.text for model in failed if self.task in (model.tasks or ()))

    @property
    def _method(self) -> str:
        return f"{self.form.kind}{self.task}Predict"

    def _is_for(self, task: Task, model: Model, snapshot: Snapshot) -> bool:
        if model.tasks is not None:
            return self.task in model.tasks
        return not self.gives and any(
            (method.name, model.id) not in snapshot.refusals for method in task.methods
        )
