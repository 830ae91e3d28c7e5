"""Fine-tuning of object detectors."""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import alog

from ...images import read_image
from ...pretrained import Pretrained
from ._coco import Example, Examples

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

log = alog.use_channel("VISTRAIN")

_WEIGHT_DECAY = 1e-4
_LONGEST_GRADIENT = 0.1
_SEED = 0


def check_training(num_epochs: int, learning_rate: float) -> None:
    """ValueError for numbers with which nothing can be learnt; ImportError if a library for it is missing."""
    if isinstance(num_epochs, bool) or not isinstance(num_epochs, int) or num_epochs < 1:
        raise ValueError(f"expected at least 1 as num_epochs, got {num_epochs!r}")
    if not isinstance(learning_rate, (int, float)) or not 0 < learning_rate <= 1:
        raise ValueError(f"expected a learning_rate above 0 and not above 1, got {learning_rate!r}")
    if find_spec("scipy") is None:
        raise ImportError(
            "Training of object detectors needs scipy: install caikit-computer-vision[train]", name="scipy"
        )


def fine_tune(pretrained: Pretrained, examples: Examples, num_epochs: int, learning_rate: float) -> None:
    """Change all weights, image by image, each epoch in another order."""
    import torch

    numbers = pretrained.numbers()
    model = pretrained.model
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=_WEIGHT_DECAY)
    shuffle = torch.Generator().manual_seed(_SEED)
    model.train()
    try:
        for epoch in range(num_epochs):
            total = 0.0
            for place in torch.randperm(len(examples.items), generator=shuffle).tolist():
                total += _step(pretrained, examples.items[place], numbers, optimizer)
            log.info(
                "<CCV46021578I>",
                "epoch %d of %d: mean loss %.4f",
                epoch + 1,
                num_epochs,
                total / len(examples.items),
            )
    finally:
        model.eval()


def _step(pretrained: Pretrained, example: Example, numbers: dict[str, int], optimizer: Any) -> float:
    import torch

    batch = _prepare(pretrained, example, numbers)
    optimizer.zero_grad()
    loss = pretrained.model(**batch).loss
    value = float(loss.detach())
    if not math.isfinite(value):
        raise ValueError(f"expected a loss that is a number, got {value}: a lower learning_rate may help")
    loss.backward()
    torch.nn.utils.clip_grad_norm_(pretrained.model.parameters(), _LONGEST_GRADIENT)
    optimizer.step()
    return value


def _prepare(pretrained: Pretrained, example: Example, numbers: dict[str, int]) -> dict[str, Any]:
    picture = _picture(example)
    annotations = [
        {
            "image_id": 0,
            "category_id": numbers[box.label],
            "bbox": list(box.edges),
            "area": box.edges[2] * box.edges[3],
            "iscrowd": int(box.is_crowd),
        }
        for box in example.boxes
    ]
    batch = pretrained.image_processor(
        images=[picture], annotations=[{"image_id": 0, "annotations": annotations}], return_tensors="pt"
    )
    device = pretrained.device
    labels = [{name: tensor.to(device) for name, tensor in target.items()} for target in batch.pop("labels")]
    return {**{name: tensor.to(device) for name, tensor in batch.items()}, "labels": labels}


def _picture(example: Example) -> PilImage:
    try:
        picture = read_image(example.path)
    except ValueError as refused:
        raise ValueError(f"{example.path.name}: {refused}") from refused
    if example.size not in (None, picture.size):
        raise ValueError(
            f"expected {example.path.name} to be as large as the labels file says, {example.size}, got {picture.size}"
        )
    return picture
