"""Models of sentence-transformers, computed by torch."""

from __future__ import annotations

import contextlib
import copy
import os
from typing import TYPE_CHECKING, Any

import alog

from caikit.core.toolkit.concurrency.library_lock import library_lock

from ...toolkit._downloads import explained_if_missing, local_files_only
from ...toolkit._fast_tokenizer import text_tokenizer
from ...toolkit._imports import require
from ...toolkit._threads import limit_torch_threads
from ._export import ONNX_FILE, export_onnx
from ._settings import EmbeddingSettings

if TYPE_CHECKING:
    from ...toolkit._batches import Features, Rows

__all__ = ["TorchEncoder", "TorchPairScorer", "make_torch_model"]

log = alog.use_channel("EMBED_TORCH")

_HEAD = "ForSequenceClassification"


def make_torch_model(kind: str, settings: EmbeddingSettings, *args: Any, **kwargs: Any) -> Any:
    """A `SentenceTransformer` or `CrossEncoder` made of these arguments, on the configured device."""
    library = require(
        "sentence_transformers", "embeddings", "embeddings and cross-encoders with the torch engine"
    )
    limit_torch_threads()
    kwargs.setdefault("device", _device(settings))
    kwargs.setdefault("trust_remote_code", settings.trust_remote_code)
    kwargs.setdefault("local_files_only", local_files_only())
    name = args[0] if args else kwargs.get("model_name_or_path") or ""
    with library_lock("transformers"), explained_if_missing(name):
        return getattr(library, kind)(*args, **kwargs)


def _device(settings: EmbeddingSettings) -> str:
    import torch

    if settings.device == "mps" and not settings.ipex and torch.backends.mps.is_available():
        return "mps"
    if settings.device == "xpu" and settings.ipex:
        return "xpu"
    return "cuda" if torch.cuda.is_available() else "cpu"


class _TorchEngine:
    _OUTPUT: str

    def __init__(self, model: Any, settings: EmbeddingSettings) -> None:
        limit_torch_threads()
        tokenizer = model.tokenizer
        self.model = model.eval()
        self.tokens = text_tokenizer(tokenizer, bool(getattr(model[0], "do_lower_case", False)))
        self.on_cpu = self.model.device.type == "cpu"
        self._settings = settings
        self._names = frozenset(tokenizer.model_input_names)
        self._call = _optimized(model, settings)

    def compute(self, features: Features) -> Rows:
        import torch

        on_device = {
            name: torch.from_numpy(values).to(self.model.device)
            for name, values in features.items()
            if name in self._names
        }
        with torch.inference_mode(), self._autocast():
            rows = self._rows(self._call(on_device)[self._OUTPUT])
        found: Rows = rows.float().cpu().numpy()
        return found

    def save(self, directory: str) -> None:
        self.model.save_pretrained(directory, create_model_card=False)
        if self._settings.export_onnx:
            self.export_onnx(directory)

    def export_onnx(self, directory: str) -> None:
        """Write the transformer as an ONNX file into the model's directory."""
        file = os.path.join(directory, *ONNX_FILE)
        inputs = [name for name in ("input_ids", "attention_mask", "token_type_ids") if name in self._names]
        # A copy, because it is changed for the export while others may use the model.
        export_onnx(copy.deepcopy(self.model.transformers_model), inputs, file)

    def _rows(self, output: Any) -> Any:
        return output

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        import torch

        if not self._settings.autocast:
            return contextlib.nullcontext()
        return torch.autocast(self.model.device.type, dtype=torch.bfloat16)


class TorchEncoder(_TorchEngine):
    """Vectors of texts by a `SentenceTransformer`."""

    _OUTPUT = "sentence_embedding"

    def __init__(self, model: Any, settings: EmbeddingSettings) -> None:
        super().__init__(model, settings)
        self.max_seq_length = int(model.max_seq_length or self.model.tokenizer.model_max_length)
        self.dimension = int(model.get_embedding_dimension() or 0)

    def _rows(self, output: Any) -> Any:
        return output if self.model.truncate_dim is None else output[:, : self.model.truncate_dim]


class TorchPairScorer(_TorchEngine):
    """Scores of pairs by a `CrossEncoder`."""

    _OUTPUT = "scores"

    def __init__(self, model: Any, settings: EmbeddingSettings) -> None:
        super().__init__(model, settings)
        architectures = getattr(self.model.transformers_model.config, "architectures", None) or []
        if architectures and not any(_HEAD in each for each in architectures):
            log.warning(
                "<NLP29177016W>",
                "expected a cross-encoder, got a %s: without a trained head, the scores are random",
                architectures[0],
            )
        longest = model.tokenizer.model_max_length
        self.max_seq_length = int(min(longest, model.max_seq_length or longest))
        self.dimension = int(model.num_labels)

    def _rows(self, output: Any) -> Any:
        return self.model.activation_fn(output.float())


def _optimized(model: Any, settings: EmbeddingSettings) -> Any:
    """What is called in place of the model; the model itself where an optimization is off or not possible."""
    optimized = model
    if settings.ipex:
        optimized = _with_ipex(optimized, settings)
    if settings.pt2_compile:
        optimized = _compiled(optimized, settings)
    return optimized


def _with_ipex(model: Any, settings: EmbeddingSettings) -> Any:
    import torch

    try:
        extension = require("intel_extension_for_pytorch", "embeddings", "optimizations with embedding.ipex")
        return extension.optimize(model, dtype=torch.bfloat16 if settings.autocast else torch.float32)
    except Exception as failure:
        log.warning("<NLP29177014W>", "Going on without embedding.ipex: %s", failure)
        return model


def _compiled(model: Any, settings: EmbeddingSettings) -> Any:
    import torch

    backend: Any = "inductor"
    if settings.ipex:
        backend = "ipex"
    elif model.device.type == "mps":
        backend = torch.backends.mps
    try:
        compiled: Any = torch.compile(model, backend=backend, mode="max-autotune")
        # Compilers fail at the first call, which should not be a user's.
        one = torch.ones((1, 2), dtype=torch.int64, device=model.device)
        names = model.tokenizer.model_input_names
        with torch.inference_mode():
            compiled({name: one.clone() for name in names})
    except Exception as failure:
        log.warning("<NLP29177015W>", "Going on without embedding.pt2_compile: %s", failure)
        return model
    return compiled
