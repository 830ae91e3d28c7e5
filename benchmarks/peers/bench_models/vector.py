"""A model that answers with many numbers."""

import answers

from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task


@dataobject(package="bench_models")
class Vector(DataObjectBase):
    values: list[float]


@task(unary_parameters={"text": str}, unary_output_type=Vector)
class VectorTask(TaskBase):
    """Turns a text into numbers."""


@module("7a5b0c86-51a8-4f5d-8c5c-7d9c3f6a1e03", "Embedder", "1.0.0", task=VectorTask)
class Embedder(ModuleBase):
    def run(self, text: str) -> Vector:
        return Vector(answers.numbers(text))

    @classmethod
    def load(cls, model_path: str) -> "Embedder":
        return cls()
