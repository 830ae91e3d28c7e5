"""Making, loading and saving of the two kinds of models."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from typing import Any

import alog

from caikit.core import ModuleBase, ModuleConfig, ModuleLoader, ModuleSaver
from caikit.core.exceptions import error_handler

from ...toolkit._folders import folder_inside
from ._engine import Engine
from ._onnx_engine import OnnxEncoder, OnnxPairScorer, has_onnx_file
from ._settings import EmbeddingSettings
from ._torch_engine import TorchEncoder, TorchPairScorer, make_torch_model

__all__ = ["archive_model", "as_engine", "bootstrap_model", "load_model", "make_onnx_model", "save_model"]

error = error_handler.get(alog.use_channel("EMBED_ART"))

_ARTIFACTS_KEY = "artifacts_path"
_ARTIFACTS = "artifacts"
_TORCH: dict[str, Any] = {"SentenceTransformer": TorchEncoder, "CrossEncoder": TorchPairScorer}
_ONNX: dict[str, Any] = {"SentenceTransformer": OnnxEncoder, "CrossEncoder": OnnxPairScorer}


def as_engine(kind: str, model: Any, settings: EmbeddingSettings) -> Engine:
    """The engine for a model: a `kind` of sentence-transformers, or an engine that was made for it."""
    engine: Engine = model if isinstance(model, _ONNX[kind]) else _TORCH[kind](model, settings)
    return engine


def bootstrap_model(kind: str, *args: Any, **kwargs: Any) -> Any:
    """A model made of the arguments of `kind`, for the configured engine."""
    settings = EmbeddingSettings.read()
    if settings.engine == "torch":
        return make_torch_model(kind, settings, *args, **kwargs)
    return make_onnx_model(kind, settings, *args, **kwargs)


def make_onnx_model(kind: str, settings: EmbeddingSettings, *args: Any, **kwargs: Any) -> Any:
    """A model for the engine onnx; one that has no ONNX file is exported into a temporary directory."""
    if len(args) == 1 and not kwargs and has_onnx_file(str(args[0])):
        return _ONNX[kind](str(args[0]))
    model = _TORCH[kind](make_torch_model(kind, settings, *args, **kwargs), settings)
    directory = tempfile.mkdtemp(prefix="caikit-nlp-onnx-")
    try:
        model.model.save_pretrained(directory, create_model_card=False)
        model.export_onnx(directory)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return _ONNX[kind](directory, temporary=True)


def load_model(kind: str, model_path: str | ModuleConfig) -> Any:
    """The model in a saved directory."""
    loader = ModuleLoader(model_path)
    artifacts = loader.config.get(_ARTIFACTS_KEY)
    error.value_check("<NLP20896115E>", artifacts, f"Model config missing '{_ARTIFACTS_KEY}'")
    directory = folder_inside(loader.model_path, str(artifacts), _ARTIFACTS_KEY)
    error.dir_check("<NLP34197772E>", directory)
    settings = EmbeddingSettings.read()
    if settings.engine == "onnx":
        return _ONNX[kind](directory)
    return make_torch_model(kind, settings, directory)


def archive_model(module: ModuleBase) -> io.BytesIO:
    """A saved model as a zip archive."""
    with tempfile.TemporaryDirectory() as directory:
        # Models are not saved into directories that exist.
        path = os.path.join(directory, "model")
        module.save(path)
        with open(shutil.make_archive(path, "zip", path), "rb") as archive:
            return io.BytesIO(archive.read())


def save_model(module: ModuleBase, engine: Engine, model_path: str) -> None:
    """Write a model into a directory that does not exist yet."""
    error.type_check("<NLP82314992E>", str, model_path=model_path)
    path = model_path.strip()
    if not path:
        error("<NLP82314994E>", ValueError(f"model_path '{path}' is invalid"))
    path = os.path.abspath(path)
    if os.path.exists(path):
        error("<NLP82314995E>", FileExistsError(f"expected a directory that does not exist, got '{path}'"))
    saver = ModuleSaver(module, model_path=path)
    with saver:
        _, absolute = saver.add_dir(_ARTIFACTS)
        saver.update_config({_ARTIFACTS_KEY: _ARTIFACTS})
        engine.save(absolute)
