"""Text generation with a prompt that was trained."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import alog

from caikit import get_config
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

from ...data_model import GenerationTrainRecord, PromptOutputModelType, TuningConfig
from ...resources.pretrained_model._choose import resource_for
from ...resources.pretrained_model.base import PretrainedModelBase
from ...resources.pretrained_model.hf_auto_causal_lm import HFAutoCausalLM
from ...resources.pretrained_model.hf_auto_seq2seq_lm import HFAutoSeq2SeqLM
from ...toolkit._imports import require
from ...toolkit.text_generation._call import generation_parameters, takes
from ...toolkit.text_generation._devices import DETECT_DEVICE, place_model
from ...toolkit.text_generation.model_run_utils import generate_text_func, generate_text_func_stream
from ...toolkit.text_generation.training import Training, tune_model
from ...toolkit.text_generation.tuning import (
    TuningType,
    check_tuning_config,
    output_types,
    prompts_of,
    tunable,
)
from ...toolkit.trainer_utils import TRAINING_LOGS_FILE_NAME, load_training_logs, save_training_logs
from ...toolkit.verbalizer_utils import is_valid_verbalizer, render_verbalizer

if TYPE_CHECKING:
    import torch

__all__ = ["PeftPromptTuning"]

log = alog.use_channel("PEFT_PROMPT")
error = error_handler.get(log)

_MODEL_NAME = re.compile(r"(?!.*\.\.)[-a-zA-Z_0-9/.]+")
_BASE_MODEL = "base_model"


@module(
    id="6655831b-960a-4dc5-8df4-867026e2cd41",
    name="Peft generation",
    version="0.1.0",
    tasks=[TextGenerationTask, TokenizationTask],
)
class PeftPromptTuning(ModuleBase):
    """Puts a trained prompt, which is a list of vectors, in front of the texts for a model that stays as it is."""

    TRAIN_RPC_NAME = "TextGenerationTaskPeftPromptTuningTrain"
    RANDOM_SEED: ClassVar[int] = 73
    supported_resources: ClassVar[list[type[PretrainedModelBase]]] = [HFAutoCausalLM, HFAutoSeq2SeqLM]

    def __init__(
        self,
        model: PretrainedModelBase,
        prompts: Mapping[str, torch.Tensor],
        base_model_name: str,
        verbalizer: str,
        tuning_type: TuningType | str = TuningType.PROMPT_TUNING,
        eos_token: str | None = None,
        training_metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.prompts = dict(prompts)
        self.base_model_name = base_model_name
        self.verbalizer = verbalizer
        self.tuning_type = TuningType.of(tuning_type)
        self._eos_token = eos_token or model.tokenizer.eos_token
        self.training_metadata = training_metadata or {}

    @property
    def output_model_types(self) -> list[PromptOutputModelType]:
        """The parts of the model that get a prompt."""
        return [PromptOutputModelType(name) for name in self.prompts]

    @classmethod
    def train(
        cls,
        base_model: str,
        train_stream: DataStream[GenerationTrainRecord] | DataStream[ClassificationTrainRecord],
        tuning_config: TuningConfig,
        val_stream: DataStream[GenerationTrainRecord] | DataStream[ClassificationTrainRecord] | None = None,
        device: str | None = DETECT_DEVICE,
        tuning_type: str = "PROMPT_TUNING",
        num_epochs: int = 20,
        learning_rate: float = 0.3,
        verbalizer: str = "{{input}}",
        batch_size: int = 8,
        max_source_length: int = 256,
        max_target_length: int = 128,
        accumulate_steps: int = 32,
        torch_dtype: str | None = None,
        silence_progress_bars: bool | None = True,
        seed: int = RANDOM_SEED,
        **kwargs: Any,
    ) -> PeftPromptTuning:
        """Train a prompt.

        Args:
            base_model: directory, below `base_models_dir` or anywhere, or name of the model; in Python a
                resource, too
            train_stream: texts and what is to be generated for them
            tuning_config: size and beginning of the prompt
            val_stream: examples to measure the loss with after each epoch
            device: where to compute, by default on a GPU if there is one
            tuning_type: PROMPT_TUNING or MULTITASK_PROMPT_TUNING
            num_epochs: how often each example is seen
            learning_rate: of the vectors
            verbalizer: template for the texts, in training and later
            batch_size: examples that are computed together
            max_source_length: tokens of the texts, what is beyond is cut off
            max_target_length: the same for what is to be generated
            accumulate_steps: batches before the vectors change
            torch_dtype: data type of the weights
            silence_progress_bars: show no progress on the terminal
            seed: makes trainings repeatable
            kwargs: further arguments of the trainer of transformers
        """
        kind = TuningType.of(tuning_type)
        check_tuning_config(kind, tuning_config)
        error.value_check(
            "<NLP83837412E>",
            is_valid_verbalizer(verbalizer),
            "Provided verbalizer is an invalid type or has no renderable placeholders",
        )
        error.type_check("<NLP36467208E>", DataStream, train_stream=train_stream)
        error.value_check("<NLP46653369E>", bool(train_stream), "train_stream cannot be empty")
        resource, name = cls._base_model(base_model, torch_dtype)
        place_model(resource.model, device)
        types = output_types(resource, kind, tuning_config.output_model_types)
        training = Training(
            max_source_length=max_source_length,
            max_target_length=max_target_length,
            batch_size=batch_size,
            num_epochs=num_epochs,
            accumulate_steps=accumulate_steps,
            seed=seed,
            learning_rate=learning_rate,
            in_memory=True,
            verbalizer=verbalizer,
            task_ids=0 if kind is TuningType.MULTITASK_PROMPT_TUNING else None,
            quiet=bool(silence_progress_bars),
            more=kwargs,
        )
        with tunable(resource, kind, tuning_config, len(types), seed=seed) as tuned:
            metadata = tune_model(
                tuned,
                resource,
                train_stream,
                training,
                model_name=name,
                module_id=cls.MODULE_ID,
                val_stream=val_stream,
            )
            prompts = prompts_of(tuned, types)
        return cls(resource, prompts, name, verbalizer, kind, training_metadata=metadata)

    @classmethod
    def load(
        cls,
        model_path: str | ModuleConfig,
        torch_dtype: str | None = None,
        device: str | None = DETECT_DEVICE,
    ) -> PeftPromptTuning:
        """Load a saved model, its base model from the same directory or from `base_models_dir`.

        Args:
            model_path: its directory
            torch_dtype: data type of the weights, by default that of the training
            device: where to compute, by default on a GPU if there is one
        """
        torch_module = require("torch", "torch", "tuned models")
        loader = ModuleLoader(model_path)
        config = loader.config
        base = cls._base_model_of(loader)
        dtype = torch_dtype or str(config.trained_torch_dtype or "").removeprefix("torch.") or None
        resource = resource_for(base, cls.supported_resources).bootstrap(
            base,
            tokenizer_name=_below(loader.model_path, config.tokenizer_path) or base,
            torch_dtype=dtype,
        )
        place_model(resource.model, device)
        files = {kind.value: config.get(kind.value) for kind in PromptOutputModelType}
        prompts = {
            part: torch_module.load(
                os.path.join(loader.model_path, file), map_location=resource.model.device, weights_only=True
            )
            for part, file in files.items()
            if file
        }
        return cls(
            resource,
            prompts,
            config.base_model_name or os.path.basename(base),
            config.verbalizer,
            config.tuning_type or TuningType.PROMPT_TUNING,
            config.eos_token,
            load_training_logs(loader.model_path, config.training_logs),
        )

    def save(self, model_path: str, save_base_model: bool = False) -> None:
        """Write the prompt, and the base model too if that is wanted.

        Args:
            model_path: directory
            save_base_model: makes a directory that can be loaded anywhere
        """
        torch_module = require("torch", "torch", "tuned models")
        saver = ModuleSaver(self, model_path=model_path)
        with saver:
            files = {kind.value: "" for kind in PromptOutputModelType}
            for part, vectors in self.prompts.items():
                files[part] = f"{part.lower()}.pt"
                torch_module.save(vectors.cpu(), os.path.join(model_path, files[part]))
            base = ""
            if save_base_model:
                base, absolute = saver.add_dir(_BASE_MODEL)
                self.model.model.save_pretrained(absolute)
                self.model.tokenizer.save_pretrained(absolute)
            save_training_logs(self.training_metadata, model_path)
            saver.update_config(
                {
                    "base_model_config": self._base_model_config(),
                    "base_model_name": self.base_model_name,
                    "eos_token": self._eos_token,
                    "has_base_model": save_base_model,
                    "verbalizer": self.verbalizer,
                    "tuning_type": self.tuning_type.name,
                    "task_type": self.model.TASK_TYPE,
                    "trained_torch_dtype": str(self.model.model.dtype),
                    "output_model_types": json.dumps(list(self.prompts)),
                    **files,
                    "full_model_path": base,
                    "tokenizer_path": base,
                    "training_logs": TRAINING_LOGS_FILE_NAME,
                }
            )

    @TextGenerationTask.taskmethod()
    @takes(generation_parameters)
    def run(self, text: str, **parameters: Any) -> GeneratedTextResult:
        """Generate text."""
        return generate_text_func(*self._parts(text), **parameters)

    @TextGenerationTask.taskmethod(output_streaming=True)
    @takes(generation_parameters)
    def run_stream_out(self, text: str, **parameters: Any) -> Iterable[GeneratedTextStreamResult]:
        """Generate text, one item for each token."""
        return generate_text_func_stream(*self._parts(text), **parameters)

    @TokenizationTask.taskmethod()
    def run_tokenizer(self, text: str) -> TokenizationResults:
        """Not available for models of this kind."""
        raise NotImplementedError("Tokenization not implemented for local")

    def _parts(self, text: str) -> tuple[Any, Any, ProducerId, str | None, str, Mapping[str, torch.Tensor]]:
        model = self.model
        return (
            model.model,
            model.tokenizer,
            self.PRODUCER_ID,
            self._eos_token,
            self._verbalized(text),
            self.prompts,
        )

    def _verbalized(self, text: str) -> str:
        error.type_check("<NLP65883541E>", str, text=text)
        return render_verbalizer(self.verbalizer, {"input": text})

    def _base_model_config(self) -> dict[str, Any]:
        config: dict[str, Any] = json.loads(self.model.get_config().to_json_string(use_diff=False))
        config.pop("_name_or_path", None)
        return config

    @classmethod
    def _base_model(cls, base_model: str | PretrainedModelBase, torch_dtype: str | None) -> tuple[Any, str]:
        """The model to train a prompt for, and its name."""
        error.type_check("<NLP65714996E>", str, PretrainedModelBase, base_model=base_model)
        if isinstance(base_model, PretrainedModelBase):
            return base_model, base_model._model_name
        error.value_check(
            "<NLP66932773E>", _MODEL_NAME.fullmatch(base_model), "invalid characters in base_model name"
        )
        path = _found_in_base_models_dir(base_model) or base_model
        found = resource_for(path, cls.supported_resources)
        return found.bootstrap(path, torch_dtype=torch_dtype), base_model

    @staticmethod
    def _base_model_of(loader: ModuleLoader) -> str:
        config = loader.config
        if config.has_base_model:
            path = _below(loader.model_path, config.full_model_path)
            error.dir_check("<NLP01983375E>", path)
            return path
        found = _found_in_base_models_dir(config.base_model_name or "")
        if not found:
            error("<NLP64783926E>", ValueError("base_model not provided."))
        return found


def _below(model_path: str, relative: str | None) -> str:
    return os.path.normpath(os.path.join(model_path, relative)) if relative else ""


def _found_in_base_models_dir(name: str) -> str:
    """The directory of a model below the configured one, if there is such."""
    base = get_config().base_models_dir
    if not base or not name or not _MODEL_NAME.fullmatch(name):
        return ""
    path = os.path.join(base, name)
    return path if os.path.isdir(path) else ""
