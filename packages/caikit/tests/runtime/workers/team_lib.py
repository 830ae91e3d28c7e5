"""A library whose answers tell which process gave them."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from caikit.core import ModuleBase, TaskBase, module, task
from caikit.core.data_model import DataObjectBase, dataobject

HOME = Path(os.environ.get("TEAM_LIB_HOME", "."))

if (HOME / "poison").exists():
    os.kill(os.getpid(), signal.SIGKILL)


def _block_event_loops() -> None:
    for frame in sys._current_frames().values():
        while frame is not None:
            runner = frame.f_locals.get("self")
            for loop in (frame.f_locals.get("loop"), runner, getattr(runner, "_loop", None)):
                if isinstance(loop, asyncio.AbstractEventLoop) and loop.is_running():
                    loop.call_soon_threadsafe(time.sleep, 60)
            frame = frame.f_back


@dataobject("tests.team_lib")
class Place(DataObjectBase):
    pid: int
    model: str


@task(unary_parameters={"text": str}, unary_output_type=Place)
class PlaceTask(TaskBase):
    """Tells where it runs"""


@module("51c8a3de-0000-4000-8000-000000000001", "Place", "1.0.0", task=PlaceTask)
class PlaceModule(ModuleBase):
    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    @classmethod
    def load(cls, model_path: str, **kwargs: Any) -> PlaceModule:
        name = Path(model_path).name
        if name == "slow":
            cls._linger_once()
        if name == "picky" and (HOME / "refuse").exists():
            raise ValueError("not here")
        if name == "once":
            (HOME / "loaded_once").touch(exist_ok=False)
        return cls(name)

    @staticmethod
    def _linger_once() -> None:
        """The first process to come needs longer."""
        try:
            (HOME / "slow_load").touch(exist_ok=False)
        except FileExistsError:
            return
        time.sleep(2)

    def run(self, text: str, sleep: float = 0.0, note: bool = False) -> Place:
        if note:
            (HOME / f"running_{text}").touch()
        if text == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if text == "hold":
            # A function of a library that does not let go of Python.
            ctypes.PyDLL(None).sleep(60)
        if text == "block":
            _block_event_loops()
        time.sleep(sleep)
        return Place(os.getpid(), self._name)

    @classmethod
    def train(cls, text: str, spin: float = 0.0) -> PlaceModule:
        end = time.monotonic() + spin
        while time.monotonic() < end:
            time.sleep(0.005)
        return cls(text)

    def save(self, model_path: str) -> None:
        Path(model_path).mkdir(parents=True, exist_ok=True)
        (Path(model_path) / "config.yml").write_text(f"module_id: {self.MODULE_ID}\n")
