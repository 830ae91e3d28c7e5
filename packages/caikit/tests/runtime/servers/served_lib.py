"""A small library to serve."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from caikit.core import ModuleBase, ModuleSaver, TaskBase, module, task
from caikit.core.data_model import DataObjectBase, dataobject
from caikit.interfaces.runtime.data_model import RuntimeServerContextType

running: list[str] = []
"""What runs right now."""

interrupted: list[str] = []
"""The exceptions that ended calls."""


@dataobject("tests.served_lib")
class Words(DataObjectBase):
    text: str


@task(
    unary_parameters={"text": str},
    streaming_parameters={"text": Iterable[str]},
    unary_output_type=Words,
    streaming_output_type=Iterable[Words],
)
class WordsTask(TaskBase):
    """Does something with words"""


@module("7f1b5c4e-0000-4000-8000-000000000001", "Words", "1.0.0", task=WordsTask)
class WordsModule(ModuleBase):
    @classmethod
    def load(cls, model_path: str, **kwargs: Any) -> WordsModule:
        return cls()

    def save(self, model_path: str) -> None:
        with ModuleSaver(self, model_path=model_path):
            pass

    @WordsTask.taskmethod(context_arg="context")
    def run(
        self, text: str, spin: float = 0.0, sleep: float = 0.0, context: RuntimeServerContextType = None
    ) -> Words:
        """Spins in Python, where it can be interrupted, or sleeps, where it cannot."""
        if text == "context":
            return Words(type(context).__name__)
        if text == "fail":
            raise ValueError("bad value")
        running.append(text)
        try:
            end = time.monotonic() + spin
            while time.monotonic() < end:
                time.sleep(0.002)
            time.sleep(sleep)
        except Exception as error:
            interrupted.append(type(error).__name__)
            raise
        finally:
            running.remove(text)
        return Words(text.upper())

    @WordsTask.taskmethod(output_streaming=True)
    def run_stream(self, text: str, count: int = 3, spin: float = 0.0) -> Iterable[Words]:
        running.append(text)
        try:
            end = time.monotonic() + spin
            while time.monotonic() < end:
                time.sleep(0.002)
            for number in range(count):
                yield Words(f"{text} {number}")
        finally:
            running.remove(text)

    @WordsTask.taskmethod(input_streaming=True, output_streaming=True)
    def run_bidi(self, text: Iterable[str]) -> Iterable[Words]:
        for word in text:
            yield Words(word.upper())

    @classmethod
    def train(cls, text: str, spin: float = 0.0) -> WordsModule:
        end = time.monotonic() + spin
        while time.monotonic() < end:
            time.sleep(0.002)
        return cls()
