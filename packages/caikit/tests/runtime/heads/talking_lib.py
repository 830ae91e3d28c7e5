"""A library whose module listens and answers in turn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from caikit.core import ModuleBase, TaskBase, module, task
from caikit.core.data_model import DataObjectBase, DataStream, dataobject


@dataobject("tests.talking_lib")
class Said(DataObjectBase):
    text: str


@task(
    unary_parameters={"text": str},
    streaming_parameters={"text": Iterable[str]},
    unary_output_type=Said,
    streaming_output_type=Iterable[Said],
)
class TalkingTask(TaskBase):
    """Says it again"""


@module("3a6c7d52-0000-4000-8000-00000000ac01", "Talker", "1.0.0", task=TalkingTask)
class Talker(ModuleBase):
    @classmethod
    def load(cls, model_path: str, **kwargs: Any) -> Talker:
        return cls()

    @TalkingTask.taskmethod(input_streaming=True)
    def run_all(self, text: DataStream[str], end: str = ".") -> Said:
        return Said(" ".join(text) + end)

    @TalkingTask.taskmethod(input_streaming=True, output_streaming=True)
    def run_each(self, text: DataStream[str], end: str = ".") -> Iterable[Said]:
        for each in text:
            yield Said(each + end)
