"""A task: what a caller may ask, whichever module answers; here at once and as a stream."""

from collections.abc import Iterable

from caikit.core import DataObjectBase, ModuleBase, TaskBase, dataobject, module, task
from caikit.core.data_model import DataStream


@dataobject
class Translation(DataObjectBase):
    text: str


@task(
    unary_parameters={"text": str},
    unary_output_type=Translation,
    streaming_parameters={"words": Iterable[str]},
    streaming_output_type=Iterable[Translation],
)
class TranslationTask(TaskBase):
    """Says the same in another language."""


@module("b3a8b0f6-9f5f-44b9-8d5c-0f2a0b3a6f55", "PigLatin", "1.0.0", task=TranslationTask)
class PigLatin(ModuleBase):
    @TranslationTask.taskmethod()
    def run(self, text: str) -> Translation:
        return Translation(" ".join(self._translate(word) for word in text.split()))

    @TranslationTask.taskmethod(input_streaming=True, output_streaming=True)
    def run_stream(self, words: DataStream[str]) -> DataStream[Translation]:
        return words.map(lambda word: Translation(self._translate(word)))

    def _translate(self, word: str) -> str:
        return word[1:] + word[0] + "ay"


if __name__ == "__main__":
    model = PigLatin()
    print(model.run("hello little world").to_json())
    for translation in model.run_stream(DataStream.from_iterable(["one", "word", "each"])):
        print(translation.text)
