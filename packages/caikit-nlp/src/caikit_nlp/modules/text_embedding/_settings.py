"""The settings of embeddings and cross-encoders."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

import alog

from caikit import get_config
from caikit.core.exceptions import error_handler

from .utils import env_val_to_bool

__all__ = ["EmbeddingSettings"]

error = error_handler.get(alog.use_channel("EMBED_SET"))

_DEFAULT_BATCH_SIZE = 32
_ENGINES = ("auto", "onnx", "torch")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingSettings:
    """What `embedding` in the configuration says."""

    engine: str
    export_onnx: bool
    trust_remote_code: bool
    retries: int
    batch_size: int
    batch_tokens: int
    implicit_truncation_errors: bool
    pt2_compile: bool
    ipex: bool
    autocast: bool
    device: str

    @classmethod
    def read(cls) -> EmbeddingSettings:
        """The settings of this moment."""
        config = get_config().get("embedding", {})
        retries, batch_size = config.get("retries", 0), config.get("batch_size", 0)
        batch_tokens = config.get("batch_tokens", 0)
        error.type_check(
            "<NLP83816537E>", int, retries=retries, batch_size=batch_size, batch_tokens=batch_tokens
        )
        engine = str(config.get("engine") or "auto").strip().lower()
        error.value_check(
            "<NLP83816538E>",
            engine in _ENGINES,
            "expected one of {} for embedding.engine, got {}",
            ", ".join(_ENGINES),
            engine,
        )
        return cls(
            engine=_installed_engine() if engine == "auto" else engine,
            export_onnx=env_val_to_bool(config.get("export_onnx")),
            trust_remote_code=env_val_to_bool(config.get("trust_remote_code")),
            retries=max(0, retries),
            batch_size=batch_size if batch_size > 0 else _DEFAULT_BATCH_SIZE,
            batch_tokens=max(0, batch_tokens),
            implicit_truncation_errors=env_val_to_bool(config.get("implicit_truncation_errors")),
            pt2_compile=env_val_to_bool(config.get("pt2_compile")),
            ipex=env_val_to_bool(config.get("ipex")),
            autocast=env_val_to_bool(config.get("autocast")),
            device=str(config.get("device") or "").strip().lower(),
        )


def _installed_engine() -> str:
    if importlib.util.find_spec("sentence_transformers") is None and importlib.util.find_spec("onnxruntime"):
        return "onnx"
    return "torch"
