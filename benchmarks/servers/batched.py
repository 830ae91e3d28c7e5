"""A model that takes 3 ms for a call, however many texts are in it, and serves one call at a time, as a device does."""

import threading
import time

from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task

CALL_SECONDS = 0.003


@dataobject(package="batched")
class Shout(DataObjectBase):
    text: str
    together: int


@task(unary_parameters={"text": str}, unary_output_type=Shout)
class ShoutTask(TaskBase):
    """Says a text aloud."""


@module("2f4f4f0a-7a53-4a4b-8c8d-3f1b6f0a9c11", "Shouter", "1.0.0", task=ShoutTask)
class Shouter(ModuleBase):
    def __init__(self) -> None:
        super().__init__()
        self._device = threading.Lock()

    def run(self, text: str) -> Shout:
        return self.run_batch([text])[0]

    def run_batch(self, text: list[str]) -> list[Shout]:
        with self._device:
            time.sleep(CALL_SECONDS)
        return [Shout(each.upper(), len(text)) for each in text]

    @classmethod
    def load(cls, model_path: str) -> "Shouter":
        return cls()
