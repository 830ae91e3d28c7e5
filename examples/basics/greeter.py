"""A library of one task and one trainable module, for serve_grpc.py and serve_http.py."""

from caikit.core import (
    DataObjectBase,
    ModuleBase,
    ModuleLoader,
    ModuleSaver,
    TaskBase,
    dataobject,
    module,
    task,
)


@dataobject
class Greeting(DataObjectBase):
    greeting: str


@task(unary_parameters={"name": str}, unary_output_type=Greeting)
class GreetingTask(TaskBase):
    """Greets somebody."""


@module("8c4d4c7e-1a50-4f7b-b3e5-57a7d3b1f0aa", "Greeter", "1.0.0", task=GreetingTask)
class Greeter(ModuleBase):
    def __init__(self, prefix: str) -> None:
        super().__init__()
        self.prefix = prefix

    @classmethod
    def train(cls, prefix: str) -> "Greeter":
        return cls(prefix)

    def run(self, name: str) -> Greeting:
        return Greeting(f"{self.prefix} {name}")

    def save(self, model_path: str) -> None:
        with ModuleSaver(self, model_path=model_path) as saver:
            saver.update_config({"prefix": self.prefix})

    @classmethod
    def load(cls, model_path: str) -> "Greeter":
        return cls(ModuleLoader(model_path).config.prefix)
