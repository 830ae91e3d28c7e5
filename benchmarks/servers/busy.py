"""The tiny model with work to do: two milliseconds of it, in Python."""

import time

from tiny import Score, Scores, TinyTask

from caikit.core import ModuleBase, module

WORK_SECONDS = 0.002


@module("7a5b0c86-51a8-4f5d-8c5c-7d9c3f6a1e03", "Busy", "1.0.0", task=TinyTask)
class Busy(ModuleBase):
    def run(self, text: str) -> Scores:
        end = time.thread_time() + WORK_SECONDS
        while time.thread_time() < end:
            pass
        return Scores([Score("POSITIVE", 0.75), Score("NEGATIVE", 0.25)])

    @classmethod
    def load(cls, model_path: str) -> "Busy":
        return cls()
