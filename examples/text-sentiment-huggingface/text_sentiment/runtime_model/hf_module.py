"""A task, and a module that solves it with a transformers pipeline."""

from pathlib import Path

from caikit.core import ModuleBase, ModuleLoader, ModuleSaver, TaskBase, module, task
from transformers import Pipeline, pipeline

from ..data_model import ClassificationPrediction, ClassInfo, TextInput


@task(unary_parameters={"text_input": TextInput}, unary_output_type=ClassificationPrediction)
class HuggingFaceSentimentTask(TaskBase):
    """Is the writer of this text happy or unhappy?"""


@module(
    "8f72161-c0e4-49b0-8fd0-7587b3017a35",
    "HuggingFaceSentimentModule",
    "0.0.1",
    task=HuggingFaceSentimentTask,
)
class HuggingFaceSentimentModule(ModuleBase):
    """Wraps a sentiment pipeline."""

    def __init__(self, sentiment_pipeline: Pipeline) -> None:
        super().__init__()
        self.pipeline = sentiment_pipeline

    def run(self, text_input: TextInput) -> ClassificationPrediction:
        results = self.pipeline([text_input.text])
        return ClassificationPrediction([ClassInfo(result["label"], result["score"]) for result in results])

    @classmethod
    def bootstrap(cls, name: str) -> "HuggingFaceSentimentModule":
        """A model from a folder or from the hub, not saved by this library."""
        return cls(pipeline("sentiment-analysis", model=name))

    @classmethod
    def load(cls, model_path: str) -> "HuggingFaceSentimentModule":
        config = ModuleLoader(model_path).config
        saved = Path(config.model_path, config.hf_artifact_path)
        return cls.bootstrap(str(saved) if saved.is_dir() else config.hf_artifact_path)

    def save(self, model_path: str) -> None:
        with ModuleSaver(self, model_path=model_path) as saver:
            relative, absolute = saver.add_dir("hf_model")
            self.pipeline.save_pretrained(absolute)
            saver.update_config({"hf_artifact_path": relative})
