"""A sentiment model out of MiniLM."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoTokenizer, BertForSequenceClassification

LABELS = ["NEGATIVE", "POSITIVE"]
_PENALTY = 1.0


def save_sentiment_model(folder: Path, source: str, rows: Sequence[dict[str, str]]) -> None:
    """MiniLM as it is, with a classifier on top that has learned from labelled texts."""
    tokenizer = AutoTokenizer.from_pretrained(source)
    model = BertForSequenceClassification.from_pretrained(
        source,
        num_labels=len(LABELS),
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
    ).eval()
    with torch.no_grad():
        batch = tokenizer([row["text"] for row in rows], padding=True, return_tensors="pt")
        vectors = model.bert(**batch).pooler_output
    _fit(model.classifier, vectors, torch.tensor([LABELS.index(row["label"]) for row in rows]))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _fit(classifier: torch.nn.Linear, vectors: torch.Tensor, labels: torch.Tensor) -> None:
    """Logistic regression."""
    optimizer = torch.optim.LBFGS(classifier.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = torch.nn.functional.cross_entropy(classifier(vectors), labels, reduction="sum")
        value = value + _PENALTY * classifier.weight.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
