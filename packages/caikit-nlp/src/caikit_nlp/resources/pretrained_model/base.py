"""What all models of the transformers library have in common."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, ClassVar

import alog

from caikit.core import ModuleBase, ModuleConfig, ModuleLoader, ModuleSaver
from caikit.core.exceptions import error_handler
from caikit.core.toolkit.concurrency.library_lock import library_lock

from ...toolkit._downloads import explained_if_missing, local_files_only
from ...toolkit._folders import folder_inside
from ...toolkit._imports import require
from ...toolkit._threads import limit_torch_threads
from ...toolkit.data_type_utils import get_torch_dtype

if TYPE_CHECKING:
    import torch

__all__ = ["PretrainedModelBase"]

log = alog.use_channel("HFRBAS")
error = error_handler.get(log)

_PADDED_LEFT = ("gpt", "opt", "bloom")
_MOST_SHOWN = 3


class PretrainedModelBase(ModuleBase):
    """A model of the transformers library together with its tokenizer.

    Subclasses say which class loads the model (`MODEL_TYPE`, one of the Auto classes) and for which task it is.
    """

    MODEL_TYPE: ClassVar[Any]
    TASK_TYPE: ClassVar[str]
    SUPPORTED_MODEL_TYPES: ClassVar[Any] = ()
    PROMPT_OUTPUT_TYPES: ClassVar[Any] = ()
    MAX_NUM_TRANSFORMERS: ClassVar[int] = 1
    REQUIRES_TOKEN_UNWRAPPING: ClassVar[bool] = False

    _TOKENIZER_ARTIFACTS_KEY = "tokenizer_artifacts"
    _MODEL_ARTIFACTS_KEY = "model_artifacts"
    _PADDING_SIDE_KEY = "padding_side"
    _MODEL_NAME_KEY = "model_name"
    _TORCH_DTYPE_KEY = "torch_dtype"

    def __init__(self, tokenizer: Any, model: Any, model_name: str, torch_dtype: torch.dtype) -> None:
        super().__init__()
        self._tokenizer = tokenizer
        self._model = model
        self._model_name = model_name
        self._torch_dtype = torch_dtype

    @classmethod
    def bootstrap(
        cls,
        model_name: str,
        tokenizer_name: Any = None,
        padding_side: str | None = None,
        torch_dtype: torch.dtype | str | None = None,
        **kwargs: Any,
    ) -> Any:
        """A model from a directory or, by name, from the model hub.

        Args:
            model_name: directory or name
            tokenizer_name: the same for the tokenizer, or a tokenizer; by default that of the model
            padding_side: `left` or `right`; by default what suits the model's name
            torch_dtype: type of the weights
            kwargs: further arguments of the model's `from_pretrained`
        """
        transformers = require("transformers", "torch", "models of the transformers library")
        require("torch", "torch", "models of the transformers library")
        error.type_check("<NLP00354361E>", str, model_name=model_name)
        limit_torch_threads()
        dtype = get_torch_dtype(torch_dtype)
        side = padding_side or _padding_side_for(model_name)
        with library_lock("transformers"), explained_if_missing(model_name):
            tokenizer = tokenizer_name or model_name
            if isinstance(tokenizer, str):
                tokenizer = transformers.AutoTokenizer.from_pretrained(
                    tokenizer, padding_side=side, local_files_only=local_files_only()
                )
            if tokenizer.pad_token is None:
                tokenizer.pad_token = tokenizer.eos_token
            model, report = cls.MODEL_TYPE.from_pretrained(
                model_name,
                dtype=dtype,
                local_files_only=local_files_only(),
                output_loading_info=True,
                **kwargs,
            )
        _require_complete(model_name, model, () if kwargs else report["missing_keys"])
        return cls(tokenizer, model.eval(), os.path.basename(os.path.normpath(model_name)), dtype)

    @classmethod
    def load(cls, model_path: str | ModuleConfig) -> Any:
        """Load a saved model."""
        loader = ModuleLoader(model_path)
        tokenizer, model, side, name, dtype = loader.load_args(
            cls._TOKENIZER_ARTIFACTS_KEY,
            cls._MODEL_ARTIFACTS_KEY,
            cls._PADDING_SIDE_KEY,
            cls._MODEL_NAME_KEY,
            cls._TORCH_DTYPE_KEY,
        )
        found = cls.bootstrap(
            folder_inside(loader.model_path, model or "", cls._MODEL_ARTIFACTS_KEY),
            tokenizer_name=folder_inside(loader.model_path, tokenizer or "", cls._TOKENIZER_ARTIFACTS_KEY),
            padding_side=side,
            torch_dtype=str(dtype).removeprefix("torch.") if dtype else None,
        )
        found._model_name = name or found._model_name
        return found

    def save(self, model_path: str, tokenizer_dirname: str = "", base_model_dirname: str = "") -> None:
        """Write the model and its tokenizer, each into a directory below `model_path` if one is named."""
        saver = ModuleSaver(self, model_path=model_path)
        with saver:
            if self._tokenizer is not None:
                relative, absolute = saver.add_dir(tokenizer_dirname, ".")
                self._tokenizer.save_pretrained(absolute)
                saver.update_config(
                    {
                        self._TOKENIZER_ARTIFACTS_KEY: relative,
                        self._PADDING_SIDE_KEY: self._tokenizer.padding_side,
                    }
                )
            if self._model is not None:
                relative, absolute = saver.add_dir(base_model_dirname, ".")
                self._model.save_pretrained(absolute)
                saver.update_config({self._MODEL_ARTIFACTS_KEY: relative})
            saver.update_config(
                {
                    self._MODEL_NAME_KEY: self._model_name,
                    self._TORCH_DTYPE_KEY: str(self._torch_dtype).removeprefix("torch."),
                }
            )

    def get_trainer(
        self,
        train_dataset: Any,
        eval_dataset: Any = None,
        optimizers: tuple[Any, Any] = (None, None),
        **kwargs: Any,
    ) -> Any:
        """A trainer of the transformers library for this model; `kwargs` are its training arguments."""
        transformers = require("transformers", "tuning", "trainings")
        return transformers.Trainer(
            model=self._model,
            args=transformers.TrainingArguments(**kwargs),
            data_collator=transformers.DataCollatorWithPadding(self._tokenizer),
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            processing_class=self._tokenizer,
            optimizers=optimizers,
        )

    def get_config(self) -> Any:
        """The configuration of the model."""
        return self._model.config

    @property
    def model(self) -> Any:
        """The model of the transformers library."""
        return self._model

    @property
    def tokenizer(self) -> Any:
        """Its tokenizer."""
        return self._tokenizer


def _padding_side_for(model_name: str) -> str:
    return "left" if any(part in model_name.lower() for part in _PADDED_LEFT) else "right"


def _require_complete(model_name: str, model: Any, missing: Collection[str]) -> None:
    """Refuse a model some of whose weights are random, as those of a head that was never trained."""
    shown = ", ".join(sorted(missing)[:_MOST_SHOWN]) + " ..." * (len(missing) > _MOST_SHOWN)
    error.value_check(
        "<NLP00354362E>",
        not missing,
        f"expected a trained {type(model).__name__} in {model_name}, "
        f"got one without {len(missing)} of the weights: {shown}",
    )
