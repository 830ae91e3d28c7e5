"""A small library to serve behind a guard."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from caikit.core import ModuleBase, ModuleSaver, TaskBase, module, task
from caikit.core.data_model import DataObjectBase, dataobject


@dataobject("tests.secured_lib")
class Echoed(DataObjectBase):
    text: str


@task(
    unary_parameters={"text": str},
    streaming_parameters={"text": Iterable[str]},
    unary_output_type=Echoed,
    streaming_output_type=Iterable[Echoed],
)
class EchoingTask(TaskBase):
    """Says it again"""


@module("7f1b5c4e-0000-4000-8000-0000000005ec", "Echoer", "1.0.0", task=EchoingTask)
class Echoer(ModuleBase):
    @classmethod
    def load(cls, model_path: str, **kwargs: Any) -> Echoer:
        return cls()

    def save(self, model_path: str) -> None:
        with ModuleSaver(self, model_path=model_path):
            pass

    @EchoingTask.taskmethod()
    def run(self, text: str) -> Echoed:
        if text == "missing file":
            with open("/nowhere/secret/place.txt"):
                pass
        if text == "broken":
            raise RuntimeError("it broke")
        return Echoed(text)

    @EchoingTask.taskmethod(output_streaming=True)
    def run_stream(self, text: str) -> Iterable[Echoed]:
        for word in text.split():
            if word == "missing":
                with open("/nowhere/secret/place.txt"):
                    pass
            yield Echoed(word)

    @EchoingTask.taskmethod(input_streaming=True, output_streaming=True)
    def run_bidi(self, text: Iterable[str]) -> Iterable[Echoed]:
        for word in text:
            yield Echoed(word)

    @classmethod
    def train(cls, text: str) -> Echoer:
        if text == "missing file":
            with open("/nowhere/secret/place.txt"):
                pass
        return cls()
