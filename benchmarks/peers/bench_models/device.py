"""A model that takes as long for one text as for many."""

import answers

from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task


@dataobject(package="bench_models")
class Shout(DataObjectBase):
    text: str


@task(unary_parameters={"text": str}, unary_output_type=Shout)
class DeviceTask(TaskBase):
    """Says a text aloud."""


@module("7a5b0c86-51a8-4f5d-8c5c-7d9c3f6a1e05", "Shouter", "1.0.0", task=DeviceTask)
class Shouter(ModuleBase):
    def __init__(self) -> None:
        super().__init__()
        self._device = answers.Device()

    def run(self, text: str) -> Shout:
        return self.run_batch([text])[0]

    def run_batch(self, text: list[str]) -> list[Shout]:
        return [Shout(each) for each in self._device.shout(text)]

    @classmethod
    def load(cls, model_path: str) -> "Shouter":
        return cls()
