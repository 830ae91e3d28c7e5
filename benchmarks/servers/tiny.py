"""The smallest useful library: a text in, two labelled scores out."""

from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task


@dataobject(package="tiny")
class Score(DataObjectBase):
    label: str
    score: float


@dataobject(package="tiny")
class Scores(DataObjectBase):
    results: list[Score]


@task(unary_parameters={"text": str}, unary_output_type=Scores)
class TinyTask(TaskBase):
    """Scores a text."""


@module("7a5b0c86-51a8-4f5d-8c5c-7d9c3f6a1e02", "Tiny", "1.0.0", task=TinyTask)
class Tiny(ModuleBase):
    def run(self, text: str) -> Scores:
        return Scores([Score("POSITIVE", 0.75), Score("NEGATIVE", 0.25)])

    @classmethod
    def load(cls, model_path: str) -> "Tiny":
        return cls()
