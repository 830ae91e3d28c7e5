"""A model that answers bit by bit."""

from collections.abc import Iterable

import answers

from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task


@dataobject(package="bench_models")
class Token(DataObjectBase):
    text: str


@task(unary_parameters={"text": str}, streaming_output_type=Iterable[Token])
class TokensTask(TaskBase):
    """Goes on with a text."""


@module("7a5b0c86-51a8-4f5d-8c5c-7d9c3f6a1e04", "Talker", "1.0.0", task=TokensTask)
class Talker(ModuleBase):
    @TokensTask.taskmethod(output_streaming=True)
    def run_stream(self, text: str) -> Iterable[Token]:
        return map(Token, answers.tokens(text))

    @classmethod
    def load(cls, model_path: str) -> "Talker":
        return cls()
