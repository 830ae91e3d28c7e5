"""The RPCs of a server, and how people call them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ._errors import CommandError
from ._types import Field, Type

TASK, JOB, TRAINING, OTHER = "task", "job", "training", "other"

_FLAVOUR = re.compile("^(ServerStreaming|ClientStreaming|BidiStreaming)")
_JOB_ENDS = re.compile(
    "(StartPredictionJob|GetPredictionJobStatus|GetPredictionJobResult|CancelPredictionJob)$"
)


@dataclass(frozen=True, kw_only=True)
class Rpc:
    """One call that a server offers; `handle` is what its protocol needs to make it.

    `nameless` is the one input whose name the protocol does not tell.
    """

    name: str
    service: str
    inputs: tuple[Field, ...]
    output: Type
    nameless: Field | None = None
    input_streaming: bool = False
    output_streaming: bool = False
    handle: Any = None

    @property
    def kind(self) -> str:
        if self.name.endswith("Predict"):
            return TASK
        if _JOB_ENDS.search(self.name):
            return JOB
        return TRAINING if self.name.endswith("Train") else OTHER

    @property
    def task(self) -> str:
        """The name of the class of the task, for those that belong to one."""
        stem = _JOB_ENDS.sub("", self.name.removesuffix("Predict"))
        return _FLAVOUR.sub("", stem)

    @property
    def fields(self) -> dict[str, Field]:
        return {field.name: field for field in self.inputs}

    @property
    def streams(self) -> str:
        parts = ["input"] * self.input_streaming + ["output"] * self.output_streaming
        return " and ".join(parts)


def find_rpc(rpcs: Iterable[Rpc], wanted: str, *, streamed_output: bool = False, server: str) -> Rpc:
    """The RPC of this name, or the one that calls the task of this name, in any spelling."""
    offered = list(rpcs)
    path = wanted.strip("/").replace("/", ".")
    found = [rpc for rpc in offered if path in (rpc.name, f"{rpc.service}.{rpc.name}")]
    if not found:
        key = _key(wanted)
        found = [rpc for rpc in offered if _key(rpc.name) == key]
        found = found or [rpc for rpc in offered if rpc.kind == TASK and key in _rpc_keys(rpc)]
    if streamed_output:
        found = [rpc for rpc in found if rpc.output_streaming]
    if not found:
        what = "with a streamed answer " if streamed_output else ""
        raise CommandError(f"{server} has no task or RPC {what}called {wanted!r}{_hint(offered, wanted)}")
    return min(found, key=lambda rpc: (rpc.input_streaming, rpc.output_streaming, rpc.name))


def find_training(rpcs: Iterable[Rpc], module: str, *, server: str) -> Rpc:
    """The train RPC of a module: by the name of its class, by that with the task in front, or by its own."""
    offered = [rpc for rpc in rpcs if rpc.kind == TRAINING]
    key = _key(module.rpartition(".")[2])
    for found in (
        [rpc for rpc in offered if key in (_key(rpc.name), _key(rpc.name.removesuffix("Train")))],
        [rpc for rpc in offered if key in _module_keys(rpc.name)],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(rpc.name for rpc in found)
            raise CommandError(f"{module!r} may mean several of the trainings of {server}: {names}")
    names = ", ".join(rpc.name.removesuffix("Train") for rpc in offered) or "nothing"
    raise CommandError(f"{server} cannot train {module!r}; it can train {names}")


def _module_keys(name: str) -> set[str]:
    """The ends of the name that may be the name of the module: what the task's name is, is not known."""
    stem = name.removesuffix("Train")
    return {_key(stem[start.start() :]) for start in re.finditer("[A-Z]", stem)}


def _hint(rpcs: Sequence[Rpc], wanted: str) -> str:
    tasks = sorted({rpc.task for rpc in rpcs if rpc.kind == TASK})
    meanings = {key: task for task in tasks for key in _task_keys(task)}
    close = difflib.get_close_matches(_key(wanted), meanings, n=1)
    if close:
        return f"; did you mean {meanings[close[0]]}?"
    return f"; its tasks are {', '.join(tasks)}" if tasks else ""


def _rpc_keys(rpc: Rpc) -> set[str]:
    """What calls a task: its name, and that of one flavour as routes have it, such as bidi-streaming-spam."""
    return _task_keys(rpc.task) | _task_keys(rpc.name.removesuffix("Predict"))


def _task_keys(task: str) -> set[str]:
    return {_key(task), _key(task.removesuffix("Task"))}


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
