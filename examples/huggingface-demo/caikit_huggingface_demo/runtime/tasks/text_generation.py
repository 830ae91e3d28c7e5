"""How a text goes on."""

from __future__ import annotations

from collections.abc import Iterable

from caikit.core import TaskBase, module, task

from module_ids import TEXT_GENERATION

from ..data_model import Text
from ..generation import Generator, require_text
from ..hf_base import HFBase


@task(
    unary_parameters={"text_in": str},
    unary_output_type=Text,
    streaming_output_type=Iterable[Text],
)
class TextGenerationTask(TaskBase):
    """Repeats a text and goes on with it; as a stream, piece by piece."""


@module(TEXT_GENERATION, "text_generation", "0.0.0", task=TextGenerationTask)
class TextGeneration(HFBase):
    """Wraps a causal language model."""

    DEFAULT_MODEL = "rpgz31/tiny-nfl"
    DEFAULT_REVISION = "4a18ca7"

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    @classmethod
    def bootstrap(cls, name: str | None, revision: str | None = None) -> TextGeneration:
        return cls(Generator.from_pretrained(str(name), revision))

    @TextGenerationTask.taskmethod()
    def run(self, text_in: str) -> Text:
        prompt = self.generator.tokenizer(require_text(text_in), return_tensors="pt")
        return Text(self.generator.decode(prompt["input_ids"][0]) + self.generator.generate(prompt))

    @TextGenerationTask.taskmethod(output_streaming=True)
    def run_stream_out(self, text_in: str) -> Iterable[Text]:
        prompt = self.generator.tokenizer(require_text(text_in), return_tensors="pt")
        yield Text(self.generator.decode(prompt["input_ids"][0]))
        for piece in self.generator.stream(prompt):
            yield Text(piece)
