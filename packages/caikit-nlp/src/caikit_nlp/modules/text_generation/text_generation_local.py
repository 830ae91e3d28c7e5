"""Text generation with models of the transformers library in this process."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, ClassVar

import alog

from caikit.core import ModuleBase, ModuleConfig, ModuleLoader, ModuleSaver, module
from caikit.core.data_model import DataStream, ProducerId
from caikit.core.exceptions import error_handler
from caikit.interfaces.nlp.data_model import (
    ClassificationTrainRecord,
    GeneratedTextResult,
    GeneratedTextStreamResult,
    TokenizationResults,
)
from caikit.interfaces.nlp.tasks import TextGenerationTask, TokenizationTask

from ...data_model import GenerationTrainRecord
from ...resources.pretrained_model._choose import resource_for
from ...resources.pretrained_model.base import PretrainedModelBase
from ...resources.pretrained_model.hf_auto_causal_lm import HFAutoCausalLM
from ...resources.pretrained_model.hf_auto_seq2seq_lm import HFAutoSeq2SeqLM
from ...toolkit._folders import folder_inside
from ...toolkit._threads import limit_torch_threads
from ...toolkit.text_generation._call import generation_parameters, takes
from ...toolkit.text_generation._devices import place_model
from ...toolkit.text_generation.model_run_utils import (
    generate_text_func,
    generate_text_func_stream,
    run_tokenizer_func,
)
from ...toolkit.text_generation.training import Training, tune_model
from ...toolkit.trainer_utils import TRAINING_LOGS_FILE_NAME, load_training_logs, save_training_logs

__all__ = ["TextGeneration"]

log = alog.use_channel("TXT_GEN")
error = error_handler.get(log)


@module(
    id="f9181353-4ccf-4572-bd1e-f12bcda26792",
    name="Text Generation",
    version="0.1.0",
    tasks=[TextGenerationTask, TokenizationTask],
)
class TextGeneration(ModuleBase):
    """Continues texts, or answers to them, with a causal or a sequence to sequence model."""

    TRAIN_RPC_NAME = "TextGenerationTaskTextGenerationTrain"
    RANDOM_SEED: ClassVar[int] = 73
    supported_resources: ClassVar[list[type[PretrainedModelBase]]] = [HFAutoCausalLM, HFAutoSeq2SeqLM]

    _ARTIFACTS = "artifacts"

    def __init__(
        self,
        model_name: str,
        model: PretrainedModelBase | None = None,
        bos_token: str | None = None,
        sep_token: str | None = None,
        eos_token: str | None = None,
        pad_token: str | None = None,
        training_metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        error.type_check("<NLP48137045E>", str, model_name=model_name)
        error.type_check("<NLP48137046E>", PretrainedModelBase, allow_none=True, model=model)
        self.model = model
        self.model_name = model_name
        self._bos_token = bos_token
        self._sep_token = sep_token
        self._eos_token = eos_token
        self._pad_token = pad_token
        self.training_metadata = training_metadata or {}

    @classmethod
    def bootstrap(cls, base_model_path: str, torch_dtype: str = "float32") -> TextGeneration:
        """A model from a directory or, by name, from the model hub.

        Args:
            base_model_path: directory or name
            torch_dtype: data type of the weights
        """
        error.type_check("<NLP03521361E>", str, base_model_path=base_model_path)
        resource = resource_for(base_model_path, cls.supported_resources)
        return cls._of(resource.bootstrap(base_model_path, torch_dtype=torch_dtype), base_model_path)

    @classmethod
    def train(
        cls,
        base_model: str,
        train_stream: DataStream[GenerationTrainRecord] | DataStream[ClassificationTrainRecord],
        torch_dtype: str | None = None,
        max_source_length: int = 256,
        max_target_length: int = 128,
        batch_size: int = 8,
        num_epochs: int = 5,
        accumulate_steps: int = 32,
        random_seed: int = RANDOM_SEED,
        lr: float = 2e-5,
        use_iterable_dataset: bool = True,
        **kwargs: Any,
    ) -> TextGeneration:
        """Fine-tune all weights of a model.

        Args:
            base_model: directory or name; in Python a resource, too
            train_stream: texts and what is to be generated for them
            torch_dtype: data type of the weights
            max_source_length: tokens of the texts, what is beyond is cut off
            max_target_length: the same for what is to be generated
            batch_size: examples that are computed together
            num_epochs: how often each example is seen
            accumulate_steps: batches before the weights change
            random_seed: makes trainings repeatable
            lr: learning rate
            use_iterable_dataset: read the stream again in each epoch instead of keeping it in memory
            kwargs: further arguments of the trainer of transformers
        """
        error.type_check("<NLP96406893E>", str, PretrainedModelBase, base_model=base_model)
        given: Any = base_model
        if isinstance(given, str):
            found = resource_for(base_model, cls.supported_resources)
            resource: PretrainedModelBase = found.bootstrap(base_model, torch_dtype=torch_dtype)
        else:
            resource = given
        training = Training(
            max_source_length=max_source_length,
            max_target_length=max_target_length,
            batch_size=batch_size,
            num_epochs=num_epochs,
            accumulate_steps=accumulate_steps,
            seed=random_seed,
            learning_rate=lr,
            in_memory=not use_iterable_dataset,
            more=kwargs,
        )
        name = given if isinstance(given, str) else resource._model_name
        metadata = tune_model(
            resource.model, resource, train_stream, training, model_name=name, module_id=cls.MODULE_ID
        )
        return cls._of(resource, name, metadata)

    @classmethod
    def load(cls, model_path: str | ModuleConfig, torch_dtype: str | None = None) -> TextGeneration:
        """Load a saved model.

        Args:
            model_path: its directory
            torch_dtype: data type of the weights, by default the saved one
        """
        loader = ModuleLoader(model_path)
        config = loader.config
        error.value_check("<NLP48137047E>", config.artifact_path, "Model config missing 'artifact_path'")
        artifacts = folder_inside(loader.model_path, config.artifact_path, "artifact_path")
        error.dir_check("<NLP01983374E>", artifacts)
        dtype = torch_dtype or str(config.torch_dtype or "").removeprefix("torch.") or None
        resource = resource_for(artifacts, cls.supported_resources)
        return cls._of(
            resource.bootstrap(artifacts, torch_dtype=dtype),
            artifacts,
            load_training_logs(loader.model_path, config.training_logs),
            eos_token=config.eos_token,
        )

    @classmethod
    def _of(
        cls,
        resource: Any,
        name: str,
        training_metadata: dict[str, Any] | None = None,
        eos_token: str | None = None,
    ) -> TextGeneration:
        limit_torch_threads()
        place_model(resource.model)
        tokenizer = resource.tokenizer
        return cls(
            model_name=os.path.basename(os.path.normpath(name)),
            model=resource,
            bos_token=tokenizer.bos_token,
            sep_token=tokenizer.sep_token,
            eos_token=eos_token or tokenizer.eos_token,
            pad_token=tokenizer.pad_token,
            training_metadata=training_metadata,
        )

    def save(self, model_path: str) -> None:
        """Write the model, its tokenizer and the log of its training."""
        resource = self._resource()
        saver = ModuleSaver(self, model_path=model_path)
        with saver:
            _, artifacts = saver.add_dir(self._ARTIFACTS)
            resource.tokenizer.save_pretrained(artifacts)
            resource.model.save_pretrained(artifacts)
            save_training_logs(self.training_metadata, model_path)
            saver.update_config(
                {
                    "artifact_path": self._ARTIFACTS,
                    "eos_token": self._eos_token,
                    "torch_dtype": str(resource.model.dtype),
                    "training_logs": TRAINING_LOGS_FILE_NAME,
                }
            )

    @TextGenerationTask.taskmethod()
    @takes(generation_parameters)
    def run(self, text: str, **parameters: Any) -> GeneratedTextResult:
        """Generate text."""
        return generate_text_func(*self._parts(), text, **parameters)

    @TextGenerationTask.taskmethod(output_streaming=True)
    @takes(generation_parameters)
    def run_stream_out(self, text: str, **parameters: Any) -> Iterable[GeneratedTextStreamResult]:
        """Generate text, one item for each token."""
        return generate_text_func_stream(*self._parts(), text, **parameters)

    @TokenizationTask.taskmethod()
    def run_tokenizer(self, text: str) -> TokenizationResults:
        """Count the tokens of a text, those included that the tokenizer adds."""
        return run_tokenizer_func(self._resource().tokenizer, text)

    def _parts(self) -> tuple[Any, Any, ProducerId, str | None]:
        resource = self._resource()
        return resource.model, resource.tokenizer, self.PRODUCER_ID, self._eos_token

    def _resource(self) -> PretrainedModelBase:
        if self.model is None:
            error(
                "<NLP48137048E>", ValueError(f"{self.model_name} has no model: bootstrap, train or load one")
            )
        return self.model
