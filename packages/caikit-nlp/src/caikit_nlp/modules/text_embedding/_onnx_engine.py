"""Models that were exported to ONNX, computed by ONNX Runtime without torch."""

from __future__ import annotations

import os
import shutil
import weakref
from typing import TYPE_CHECKING, Any

import alog

from caikit.core.exceptions import error_handler

from ...toolkit._imports import require
from ...toolkit._threads import intra_op_threads
from ...toolkit._tokens import TextTokenizer
from ._export import ONNX_FILE
from ._folder import SentenceFolder
from ._pooling import Pooling, normalized

if TYPE_CHECKING:
    import numpy as np

    from ...toolkit._batches import Features, Rows

__all__ = ["OnnxEncoder", "OnnxPairScorer", "has_onnx_file"]

error = error_handler.get(alog.use_channel("EMBED_ONNX"))

_PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
_PURPOSE = "embeddings and cross-encoders with the onnx engine"


def has_onnx_file(directory: str) -> bool:
    """Whether a model's directory has what the engine needs."""
    return os.path.isfile(os.path.join(directory, *ONNX_FILE))


class _OnnxEngine:
    def __init__(self, directory: str, temporary: bool = False) -> None:
        """A `temporary` directory is deleted with the engine."""
        if temporary:
            weakref.finalize(self, shutil.rmtree, directory, ignore_errors=True)
        runtime = require("onnxruntime", "onnx", _PURPOSE)
        tokenizers = require("tokenizers", "onnx", _PURPOSE)
        if not has_onnx_file(directory):
            error(
                "<NLP68103525E>",
                FileNotFoundError(
                    f"expected the file {os.path.join(directory, *ONNX_FILE)} for the engine onnx; save the model "
                    "with embedding.export_onnx where torch is installed, or use embedding.engine: torch"
                ),
            )
        self.directory = directory
        self.folder = SentenceFolder(directory)
        self._session = _session(runtime, os.path.join(directory, *ONNX_FILE))
        self.on_cpu = self._session.get_providers()[0] == "CPUExecutionProvider"
        self._names = frozenset(each.name for each in self._session.get_inputs())
        self.output = self._session.get_outputs()[0].name
        self.tokens = TextTokenizer(
            tokenizers.Tokenizer.from_file(self.folder.tokenizer_file),
            self.folder.pad_id,
            self.folder.lower_case,
        )

    def save(self, directory: str) -> None:
        shutil.copytree(self.directory, directory, dirs_exist_ok=True)

    def _run(self, features: Features) -> np.ndarray[Any, Any]:
        given = {name: values for name, values in features.items() if name in self._names}
        try:
            found: np.ndarray[Any, Any] = self._session.run([self.output], given)[0]
        except (ValueError, TypeError, RuntimeError):
            raise
        except Exception as failure:
            # The library's own exceptions have no common base but this.
            raise RuntimeError(f"ONNX Runtime failed: {failure}") from failure
        return found


class OnnxEncoder(_OnnxEngine):
    """Vectors of texts."""

    def __init__(self, directory: str, temporary: bool = False) -> None:
        super().__init__(directory, temporary)
        self._pooling = Pooling(self.folder.pooling_mode)
        self.max_seq_length = self.folder.max_seq_length
        self.dimension = self.folder.hidden_size

    def compute(self, features: Features) -> Rows:
        found = self._run(features)
        if found.ndim == 3:
            found = self._pooling(found, features["attention_mask"])
        rows: Rows = (normalized(found) if self.folder.normalizes else found).astype("float32", copy=False)
        return rows


class OnnxPairScorer(_OnnxEngine):
    """Scores of pairs."""

    def __init__(self, directory: str, temporary: bool = False) -> None:
        super().__init__(directory, temporary)
        self.max_seq_length = self.folder.max_pair_length
        self.dimension = self.folder.label_count
        self._squashes = self.folder.squashes_scores

    def compute(self, features: Features) -> Rows:
        import numpy as np

        logits = self._run(features).astype("float32", copy=False)
        rows: Rows = 1 / (1 + np.exp(-np.clip(logits, -80, 80))) if self._squashes else logits
        return rows


def _session(runtime: Any, file: str) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = intra_op_threads()
    options.inter_op_num_threads = 1
    available = runtime.get_available_providers()
    return runtime.InferenceSession(
        file, sess_options=options, providers=[name for name in _PROVIDERS if name in available]
    )
