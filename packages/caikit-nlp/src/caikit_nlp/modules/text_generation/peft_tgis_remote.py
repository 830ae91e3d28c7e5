"""Text generation with a tuned prompt, by a server."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import alog

from caikit import get_config
from caikit.core import ModuleBase, ModuleConfig, ModuleSaver, module
from caikit.core.exceptions import error_handler
from caikit.interfaces.nlp.data_model import (
    GeneratedTextResult,
    GeneratedTextStreamResult,
    TokenizationResults,
)
from caikit.interfaces.nlp.tasks import TextGenerationTask, TokenizationTask
from caikit_tgis_backend import TGISBackend

from ...data_model import PromptOutputModelType
from ...toolkit.text_generation._call import generation_parameters, takes
from ...toolkit.text_generation._remote import RemoteModel
from ...toolkit.verbalizer_utils import is_valid_verbalizer, render_verbalizer
from .peft_prompt_tuning import PeftPromptTuning

if TYPE_CHECKING:
    from caikit.core.data_model.runtime_context import RuntimeServerContextType

    from ...toolkit.text_generation.tgis_utils import TGISGenerationClient

__all__ = ["PeftPromptTuningTGIS"]

error = error_handler.get(alog.use_channel("PEFT_PROMPT_TGIS"))


@module(base_module=PeftPromptTuning, backend_type=TGISBackend.backend_type)
class PeftPromptTuningTGIS(ModuleBase):
    """Has a text generation server put a trained prompt in front of texts; the server has the base model."""

    SUPPORTED_LOAD_BACKENDS = [TGISBackend.backend_type, "LOCAL"]

    def __init__(
        self,
        base_model_name: str,
        prompt_cache_id: str,
        eos_token: str | None,
        verbalizer: str,
        prompt_artifacts: Sequence[str] = (),
        tgis_backend: TGISBackend | None = None,
    ) -> None:
        super().__init__()
        error.type_check(
            "<NLP92081801E>", str, base_model_name=base_model_name, prompt_cache_id=prompt_cache_id
        )
        error.value_check(
            "<NLP92081802E>",
            is_valid_verbalizer(verbalizer),
            "Provided verbalizer is an invalid type or has no renderable placeholders",
        )
        error.type_check("<NLP92081803E>", TGISBackend, allow_none=True, tgis_backend=tgis_backend)
        self.base_model_name = base_model_name
        self.verbalizer = verbalizer
        self.tgis_backend = tgis_backend
        self._prompt_cache_id = prompt_cache_id
        self._eos_token = eos_token
        self._remote = RemoteModel(tgis_backend, base_model_name, self.PRODUCER_ID, prompt_cache_id)
        if tgis_backend is None or not prompt_artifacts:
            return
        tgis_backend.load_prompt_artifacts(base_model_name, prompt_cache_id, *prompt_artifacts)
        if get_config().unload_tgis_prompt_artifacts:
            ending = weakref.finalize(
                self, tgis_backend.unload_prompt_artifacts, base_model_name, prompt_cache_id
            )
            # Other processes may use the prompt when this one ends.
            ending.atexit = False

    @classmethod
    def load(cls, model_path: str | ModuleConfig, load_backend: TGISBackend) -> PeftPromptTuningTGIS:
        """Load a saved prompt: its files are copied to where the server finds them."""
        config = ModuleConfig.load(model_path)
        directory = os.path.abspath(config.model_path)
        files = (config.get(kind.value) for kind in PromptOutputModelType)
        paths = [os.path.join(directory, file) for file in files if file]
        return cls(
            config.base_model_name,
            os.path.basename(directory),
            config.eos_token,
            config.verbalizer,
            [path for path in paths if os.path.exists(path)],
            load_backend,
        )

    def save(self, model_path: str) -> None:
        """Write what is known here; the prompt itself stays where the server has it."""
        with ModuleSaver(self, model_path=model_path) as saver:
            saver.update_config(
                {
                    "base_model_name": self.base_model_name,
                    "prompt_cache_id": self._prompt_cache_id,
                    "eos_token": self._eos_token,
                    "verbalizer": self.verbalizer,
                }
            )

    @TextGenerationTask.taskmethod(context_arg="context")
    @takes(generation_parameters, defaults={"preserve_input_text": False}, context="context")
    def run(
        self, text: str, context: RuntimeServerContextType | None = None, **parameters: Any
    ) -> GeneratedTextResult:
        """Generate text."""
        return self._client("run", context).unary_generate(self._verbalized(text), **parameters)

    @TextGenerationTask.taskmethod(output_streaming=True, context_arg="context")
    @takes(generation_parameters, defaults={"preserve_input_text": False}, context="context")
    def run_stream_out(
        self, text: str, context: RuntimeServerContextType | None = None, **parameters: Any
    ) -> Iterable[GeneratedTextStreamResult]:
        """Generate text, in pieces."""
        return self._client("run_stream_out", context).stream_generate(self._verbalized(text), **parameters)

    @TokenizationTask.taskmethod(context_arg="context")
    def run_tokenizer(
        self, text: str, context: RuntimeServerContextType | None = None
    ) -> TokenizationResults:
        """Count the tokens of a text, without those of the prompt and of the verbalizer."""
        return self._client("run_tokenizer", context).tokenize(text)

    def _client(self, method: str, context: RuntimeServerContextType | None) -> TGISGenerationClient:
        client = self._remote.client(context)
        if client is None:
            error(
                "<NLP92081804E>",
                ValueError(
                    f"Backend must be configured and loaded with this module before executing `{method}` call."
                ),
            )
        return client

    def _verbalized(self, text: str) -> str:
        error.type_check("<NLP92081805E>", str, text=text)
        return render_verbalizer(self.verbalizer, {"input": text})
