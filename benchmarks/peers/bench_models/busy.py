"""The tiny model with work to do."""

import answers

from caikit.core import ModuleBase, TaskBase, module, task

from .tiny import Score, Scores


@task(unary_parameters={"text": str}, unary_output_type=Scores)
class BusyTask(TaskBase):
    """Scores a text with effort."""


@module("7a5b0c86-51a8-4f5d-8c5c-7d9c3f6a1e02", "Busy", "1.0.0", task=BusyTask)
class Busy(ModuleBase):
    def run(self, text: str) -> Scores:
        return Scores([Score(label, score) for label, score in answers.busy_scores(text)])

    @classmethod
    def load(cls, model_path: str) -> "Busy":
        return cls()
