"""What the files of a saved sentence-transformers model say, read without that library."""

from __future__ import annotations

import json
import os
from typing import Any

import alog

from caikit.core.exceptions import error_handler

from ...toolkit._folders import folder_inside

__all__ = ["SentenceFolder"]

error = error_handler.get(alog.use_channel("EMBED_DIR"))

_KNOWN_LAYERS = ("Transformer", "Pooling", "Normalize")
_LEGACY_POOLING = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "lasttoken",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
}
_SQUASHING = {"Sigmoid": True, "Identity": False}


class SentenceFolder:
    """Directory of a `SentenceTransformer` or a `CrossEncoder`; a plain transformers model gets mean pooling."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._layers = self._read_layers()
        inner = os.path.join(directory, self._layers.get("Transformer", ""))
        self._config = _read(inner, "config.json")
        self._sentence = _read(inner, "sentence_bert_config.json")
        self._tokenizer = _read(inner, "tokenizer_config.json")
        self.tokenizer_file = os.path.join(inner, "tokenizer.json")

    @property
    def normalizes(self) -> bool:
        return "Normalize" in self._layers

    @property
    def lower_case(self) -> bool:
        return bool(self._sentence.get("do_lower_case"))

    @property
    def pad_id(self) -> int:
        return int(self._config.get("pad_token_id") or 0)

    @property
    def hidden_size(self) -> int:
        return int(self._config.get("hidden_size") or self._config.get("dim") or 0)

    @property
    def max_seq_length(self) -> int:
        """The most tokens of a text."""
        return int(self._sentence.get("max_seq_length") or self._longest())

    @property
    def max_pair_length(self) -> int:
        """The most tokens of a pair."""
        return self._longest()

    @property
    def pooling_mode(self) -> str:
        """The name of the mode; the names of all of them if there are several."""
        pooling = _read(
            os.path.join(self._directory, self._layers.get("Pooling", "1_Pooling")), "config.json"
        )
        mode = pooling.get("pooling_mode")
        if isinstance(mode, str):
            return mode
        modes = mode or [name for key, name in _LEGACY_POOLING.items() if pooling.get(key)]
        return "+".join(modes) or "mean"

    @property
    def label_count(self) -> int:
        return len(self._config.get("id2label") or ()) or int(self._config.get("num_labels", 2))

    @property
    def squashes_scores(self) -> bool:
        """Whether scores are the sigmoids of the logits."""
        saved = self._config.get("sentence_transformers") or {}
        path = saved.get("activation_fn") or self._config.get("sbert_ce_default_activation_function")
        if not path:
            return self.label_count == 1
        name = str(path).rpartition(".")[2]
        error.value_check(
            "<NLP75520418E>",
            name in _SQUASHING,
            "expected Sigmoid or Identity as the activation of an ONNX model, got {}",
            path,
        )
        return _SQUASHING[name]

    def _longest(self) -> int:
        known = (self._tokenizer.get("model_max_length"), self._config.get("max_position_embeddings"))
        return int(min((length for length in known if length), default=512))

    def _read_layers(self) -> dict[str, str]:
        layers = {}
        for layer in _read(self._directory, "modules.json", []):
            kind = str(layer["type"]).rpartition(".")[2]
            error.value_check(
                "<NLP75520419E>",
                kind in _KNOWN_LAYERS,
                "expected layers {} in a model for the engine onnx, got {}",
                ", ".join(_KNOWN_LAYERS),
                kind,
            )
            layers[kind] = folder_inside(self._directory, str(layer.get("path", "")), "path of a layer")
        return layers


def _read(directory: str, name: str, default: Any = None) -> Any:
    try:
        with open(os.path.join(directory, name), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {} if default is None else default
