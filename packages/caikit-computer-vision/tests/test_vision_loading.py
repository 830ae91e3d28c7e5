"""Models that are loaded at the same time, as a runtime does at its start."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import torch
from transformers import PreTrainedModel

import caikit

ROUNDS = 6


def test_models_that_are_loaded_together(models: Path, picture: Any) -> None:
    names = ["yolos", "detr", "vit", "segformer", "mask2former"]
    alone = {name: caikit.load(str(models / name)).run(picture).to_dict() for name in names}
    # What transformers exchanges while it loads, and would not put back if loads overlapped.
    exchanged = (PreTrainedModel.tie_weights, torch.linspace, torch.get_default_dtype())
    start = Barrier(len(names))

    def load(name: str) -> Any:
        start.wait(30)
        return caikit.load(str(models / name))

    for _ in range(ROUNDS):
        with ThreadPoolExecutor(len(names)) as pool:
            together = dict(zip(names, pool.map(load, names), strict=True))
        assert (PreTrainedModel.tie_weights, torch.linspace, torch.get_default_dtype()) == exchanged
    assert {name: model.run(picture).to_dict() for name, model in together.items()} == alone
