"""A library whose models load, answer and train as slowly as a test wants."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from caikit.core import ModuleBase, TaskBase, module, task
from caikit.core.data_model import DataObjectBase, DataStream, dataobject
from caikit.core.exceptions.caikit_core_exception import CaikitCoreException, CaikitCoreStatusCode

MODULE_ID = "7f1b5c4e-0000-4000-8000-0000000000e5"

gates: dict[str, threading.Event] = {}
"""Loads of folders with these names wait until the event is set."""

begun: list[str] = []
"""The folders of all loads, in the order in which they began."""

alive: weakref.WeakSet[Any] = weakref.WeakSet()
"""The models that still exist."""

seen: list[tuple[str, ...]] = []
"""What each training has read."""


@dataobject("tests.mesh_lib")
class Heard(DataObjectBase):
    text: str


@task(unary_parameters={"text": str}, unary_output_type=Heard, streaming_output_type=Iterable[Heard])
class HearTask(TaskBase):
    pass


@module(MODULE_ID, "Ear", "1.0.0", task=HearTask)
class Ear(ModuleBase):
    def __init__(self) -> None:
        super().__init__()
        alive.add(self)

    @classmethod
    def load(cls, model_path: Any, **kwargs: Any) -> Ear:
        name = Path(getattr(model_path, "model_path", model_path)).name
        begun.append(name)
        if name in gates:
            assert gates[name].wait(10)
        return cls()

    @HearTask.taskmethod()
    def run(self, text: str, seconds: float = 0.0) -> Heard:
        time.sleep(seconds)
        if text == "lost":
            raise CaikitCoreException(CaikitCoreStatusCode.NOT_FOUND, "no such page")
        return Heard(text.upper())

    @HearTask.taskmethod(output_streaming=True)
    def run_stream(self, text: str) -> Iterable[Heard]:
        yield Heard(text)
        if text == "lost":
            raise CaikitCoreException(CaikitCoreStatusCode.NOT_FOUND, "no such page")

    def save(self, model_path: str) -> None:
        folder = Path(model_path)
        folder.mkdir(parents=True)
        (folder / "config.yml").write_text(f"module_id: {MODULE_ID}\n")

    @classmethod
    def train(
        cls, words: DataStream[str], more: DataStream[str] | None = None, seconds: float = 0.0, fail: str = ""
    ) -> Ear:
        seen.append((*words, *(more or ())))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.002)
        if fail == "memory":
            raise MemoryError
        return cls()
