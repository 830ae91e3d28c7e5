"""The smallest useful model: a text in, two labelled scores out."""

import answers

from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task


@dataobject(package="bench_models")
class Score(DataObjectBase):
    label: str
    score: float


@dataobject(package="bench_models")
class Scores(DataObjectBase):
    results: list[Score]


@task(unary_parameters={"text": str}, unary_output_type=Scores)
class TinyTask(TaskBase):
    """Scores a text."""


@module("7a5b0c86-51a8-4f5d-8c5c-7d9c3f6a1e01", "Tiny", "1.0.0", task=TinyTask)
class Tiny(ModuleBase):
    def run(self, text: str) -> Scores:
        return Scores([Score(label, score) for label, score in answers.scores(text)])

    @classmethod
    def load(cls, model_path: str) -> "Tiny":
        return cls()
