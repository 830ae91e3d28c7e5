"""Text generation by a server."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import alog

from caikit.core import ModuleBase, ModuleConfig, ModuleSaver, module
from caikit.core.exceptions import error_handler
from caikit.interfaces.nlp.data_model import (
    GeneratedTextResult,
    GeneratedTextStreamResult,
    TokenizationResults,
)
from caikit.interfaces.nlp.tasks import TextGenerationTask, TokenizationTask
from caikit_tgis_backend import TGISBackend

from ...resources.pretrained_model.base import PretrainedModelBase
from ...toolkit.text_generation._call import generation_parameters, takes
from ...toolkit.text_generation._remote import RemoteModel
from .text_generation_local import TextGeneration

if TYPE_CHECKING:
    from caikit.core.data_model.runtime_context import RuntimeServerContextType

__all__ = ["TextGenerationTGIS"]

error = error_handler.get(alog.use_channel("TXT_GEN_TGIS"))


@module(base_module=TextGeneration, backend_type=TGISBackend.backend_type)
class TextGenerationTGIS(ModuleBase):
    """Continues texts, or answers to them, with a model that a text generation server runs."""

    SUPPORTED_LOAD_BACKENDS = [TGISBackend.backend_type, "LOCAL"]

    def __init__(
        self,
        model_name: str,
        model: PretrainedModelBase | None = None,
        bos_token: str | None = None,
        sep_token: str | None = None,
        eos_token: str | None = None,
        pad_token: str | None = None,
        tgis_backend: TGISBackend | None = None,
    ) -> None:
        super().__init__()
        error.type_check("<NLP48137050E>", str, model_name=model_name)
        error.type_check("<NLP48137051E>", TGISBackend, allow_none=True, tgis_backend=tgis_backend)
        self.model = model
        self.model_name = model_name
        self.tgis_backend = tgis_backend
        self._tokens = {
            "bos_token": bos_token,
            "sep_token": sep_token,
            "eos_token": eos_token,
            "pad_token": pad_token,
        }
        self._remote = RemoteModel(tgis_backend, model_name, self.PRODUCER_ID)
        if tgis_backend is not None:
            # A server that is a process of the backend ends with its last model.
            tgis_backend.hold_model(model_name)
            weakref.finalize(self, tgis_backend.release_model, model_name)

    @classmethod
    def bootstrap(cls, model_path: str, load_backend: TGISBackend | None = None) -> TextGenerationTGIS:
        """The model of this name at the servers of a backend.

        Args:
            model_path: directory or name, as the server knows it
            load_backend: without it nothing can be generated
        """
        return cls(model_path, tgis_backend=load_backend)

    @classmethod
    def load(cls, model_path: str | ModuleConfig, load_backend: TGISBackend) -> TextGenerationTGIS:
        """Load a saved model; one that was saved with its weights is called by the name of their directory."""
        config = ModuleConfig.load(model_path)
        if config.artifact_path:
            name = os.path.normpath(os.path.join(config.model_path or "", config.artifact_path))
            error.dir_check("<NLP20983374E>", name)
        else:
            name = config.model_name
            error.value_check("<NLP20983375E>", name, "Model config missing 'model_name'")
        return cls(
            name,
            bos_token=config.bos_token,
            sep_token=config.sep_token,
            eos_token=config.eos_token,
            pad_token=config.pad_token,
            tgis_backend=config.tgis_backend or load_backend,
        )

    def save(self, model_path: str) -> None:
        """Write the name of the model; its weights are at the server."""
        with ModuleSaver(self, model_path=model_path) as saver:
            saver.update_config({"model_name": self.model_name, **self._tokens})

    @TextGenerationTask.taskmethod(context_arg="context")
    @takes(generation_parameters, defaults={"preserve_input_text": False}, context="context")
    def run(
        self, text: str, context: RuntimeServerContextType | None = None, **parameters: Any
    ) -> GeneratedTextResult:
        """Generate text."""
        client = self._remote.client(context)
        if client is None:
            return None  # type: ignore[return-value]  # a model of no server has nothing to say
        return client.unary_generate(text, **parameters)

    @TextGenerationTask.taskmethod(output_streaming=True, context_arg="context")
    @takes(generation_parameters, defaults={"preserve_input_text": False}, context="context")
    def run_stream_out(
        self, text: str, context: RuntimeServerContextType | None = None, **parameters: Any
    ) -> Iterable[GeneratedTextStreamResult]:
        """Generate text, in pieces."""
        client = self._remote.client(context)
        if client is None:
            return None  # type: ignore[return-value]  # as above
        return client.stream_generate(text, **parameters)

    @TokenizationTask.taskmethod(context_arg="context")
    def run_tokenizer(
        self, text: str, context: RuntimeServerContextType | None = None
    ) -> TokenizationResults:
        """Count the tokens of a text."""
        client = self._remote.client(context)
        if client is None:
            return None  # type: ignore[return-value]  # as above
        return client.tokenize(text)
