"""A library to train from the command line."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Any

from caikit.core import ModuleBase, ModuleLoader, ModuleSaver, TaskBase, module, task
from caikit.core.data_model import DataObjectBase, DataStream, dataobject
from caikit.core.model_management import report_progress


@dataobject("tests.command_lib")
class CommandItem(DataObjectBase):
    number: int


@task(unary_parameters={"text": str}, unary_output_type=CommandItem)
class CommandTask(TaskBase):
    pass


@task(unary_parameters={"text": str}, unary_output_type=CommandItem)
class OtherTask(TaskBase):
    pass


@module("c0de0000-0000-4000-8000-000000000001", "Adder", "1.0.0", task=CommandTask)
class Adder(ModuleBase):
    def __init__(self, total: int = 0) -> None:
        super().__init__()
        self.total = total

    def run(self, text: str) -> CommandItem:
        return CommandItem(self.total)

    @classmethod
    def load(cls, model_path: Any) -> Adder:
        return cls(ModuleLoader(model_path).config.total)

    def save(self, model_path: str) -> None:
        with ModuleSaver(self, model_path) as saver:
            saver.update_config({"total": self.total})

    @classmethod
    def train(
        cls,
        training_data: DataStream[CommandItem],
        extra: int | None = 0,
        base: ModuleBase | None = None,
        fail: str | None = None,
        started: str | None = None,
        go_on: str | None = None,
        fail_late: str | None = None,
        tell: bool = False,
        empty_fails: bool = False,
        passes: int = 1,
    ) -> Adder:
        if fail == "memory":
            raise MemoryError
        if fail == "exit":
            os._exit(137)
        if fail:
            raise ValueError(fail)
        if tell:
            print("printed in the training")
            logging.getLogger("command_lib").warning("logged in the training")
            report_progress(0.5, "half of it", loss=0.25, speed=3)
        if started:
            Path(started).touch()
            for _ in range(6000):
                if go_on and Path(go_on).exists():
                    break
                time.sleep(0.005)
        if fail_late:
            raise ValueError(fail_late)
        if empty_fails:
            next(iter([item.number / 1 for item in training_data]))
        for _ in range(passes - 1):
            list(training_data)
        known = base.total if isinstance(base, Adder) else 0
        return cls(sum(item.number for item in training_data) + (extra or 0) + known)


@module("c0de0000-0000-4000-8000-000000000002", "Fixed", "1.0.0", task=OtherTask)
class Fixed(ModuleBase):
    def run(self, text: str) -> CommandItem:
        return CommandItem(1)
