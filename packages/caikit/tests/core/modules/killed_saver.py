"""A program that saves a model again and again until it is killed; `python killed_saver.py <path> [<step to stop at>]`."""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path
from typing import Any

from caikit.core import ModuleBase, ModuleLoader, ModuleSaver, module

stop_at = ""


@module("8a4b0d6e-3d3f-4a52-9d57-0d2f9b5c7e11", "Part", "0.0.1")
class Part(ModuleBase):
    def __init__(self, number: int) -> None:
        self.number = number

    def save(self, model_path: str, *args: Any, **kwargs: Any) -> None:
        with ModuleSaver(self, model_path) as saver:
            saver.update_config({"number": self.number})

    @classmethod
    def load(cls, model_path: Any, *args: Any, **kwargs: Any) -> Part:
        return cls(ModuleLoader(model_path).config.number)


@module("8a4b0d6e-3d3f-4a52-9d57-0d2f9b5c7e12", "Whole", "0.0.1")
class Whole(ModuleBase):
    def __init__(self, *numbers: int) -> None:
        self.numbers = numbers

    def save(self, model_path: str, *args: Any, **kwargs: Any) -> None:
        number = self.numbers[0]
        with ModuleSaver(self, model_path) as saver:
            _step("opened")
            Path(model_path, "weights").write_text(str(number))
            _step("weights")
            saver.save_module(Part(number), "part")
            _step("part")
            saver.update_config({"number": number})
        _step("saved")

    @classmethod
    def load(cls, model_path: Any, *args: Any, **kwargs: Any) -> Whole:
        loader = ModuleLoader(model_path)
        part = loader.load_module("part")
        assert isinstance(part, Part)
        weights = Path(loader.model_path, "weights").read_text()
        return cls(loader.config.number, int(weights), part.number)


def _step(name: str) -> None:
    if name == stop_at:
        print(name, flush=True)
        time.sleep(30)


if __name__ == "__main__":
    path = sys.argv[1]
    print("start", flush=True)
    for number in itertools.count(1):
        if number == 2:
            stop_at = "".join(sys.argv[2:])
        Whole(number).save(path)
