"""A module: train it, save it, load it, run it."""

from tempfile import TemporaryDirectory

import caikit
from caikit.core import ModuleBase, ModuleLoader, ModuleSaver, module
from caikit.core.data_model import DataStream


@module("4f0d9a3e-59f6-4d0c-9a6a-1c1f9b6f3c11", "NameFinder", "1.0.0")
class NameFinder(ModuleBase):
    """Finds the names that it was trained with."""

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self.names = names

    @classmethod
    def train(cls, training_data: DataStream[str]) -> "NameFinder":
        return cls(sorted({name.lower() for name in training_data}))

    def run(self, text: str) -> list[str]:
        return [name for name in self.names if name in text.lower()]

    def save(self, model_path: str) -> None:
        with ModuleSaver(self, model_path=model_path) as saver:
            saver.update_config({"names": self.names})

    @classmethod
    def load(cls, model_path: str) -> "NameFinder":
        return cls(ModuleLoader(model_path).config.names)


if __name__ == "__main__":
    model = NameFinder.train(DataStream.from_iterable(["Ada", "Grace", "Edsger", "Ada"]))
    with TemporaryDirectory() as folder:
        model.save(folder)
        loaded = caikit.load(folder)
    print(type(loaded).__name__, loaded.names)
    print(loaded.run("Grace wrote to Ada."))
