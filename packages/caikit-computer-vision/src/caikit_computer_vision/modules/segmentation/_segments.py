"""From the outputs of segmentation models to masks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...pretrained import Group, Pretrained

PANOPTIC, INSTANCE, SEMANTIC = "panoptic", "instance", "semantic"
"""Every pixel to one thing or background; every thing by itself; every pixel to one kind."""


@dataclass(frozen=True, slots=True)
class Segment:
    score: float
    label: int
    mask: np.ndarray[Any, Any]


def pick_subtask(pretrained: Pretrained, wanted: str | None) -> str:
    """The way in which a model divides images; ValueError if it cannot divide them as wanted."""
    processor = pretrained.image_processor
    offered = [way for way in (PANOPTIC, INSTANCE) if hasattr(processor, f"post_process_{way}_segmentation")]
    possible = offered or [SEMANTIC]
    if wanted is not None and wanted not in possible:
        raise ValueError(f"expected {' or '.join(possible)} as subtask of this model, got {wanted!r}")
    return wanted or possible[0]


def segments_of(
    pretrained: Pretrained, group: Group, subtask: str, threshold: float
) -> Iterator[list[Segment]]:
    """For each image of a group, the segments whose scores are above the threshold."""
    if subtask == SEMANTIC:
        for place, size in enumerate(group.sizes):
            yield _semantic(group.outputs.logits[place], size, threshold)
        return
    post_process = getattr(pretrained.image_processor, f"post_process_{subtask}_segmentation")
    # Otherwise panoptic processors remark that nothing is fused.
    options: dict[str, Any] = {"label_ids_to_fuse": set()} if subtask == PANOPTIC else {}
    for found in post_process(group.outputs, threshold=threshold, target_sizes=group.sizes, **options):
        yield list(_masked(found, threshold))


def _masked(found: dict[str, Any], threshold: float) -> Iterator[Segment]:
    infos = found["segments_info"]
    if not infos:
        return
    numbers = found["segmentation"].cpu().numpy()
    for info in infos:
        mask, score = numbers == info["id"], float(info["score"])
        # Others may hide all of a segment.
        if score > threshold and mask.any():
            yield Segment(score, int(info["label_id"]), mask)


def _semantic(logits: Any, size: tuple[int, int], threshold: float) -> list[Segment]:
    """Each pixel to its likeliest class; the score is the mean likelihood of the pixels."""
    from torch.nn.functional import interpolate

    likely, classes = interpolate(logits[None], size=size, mode="bilinear")[0].softmax(0).max(0)
    likelihoods, numbers = likely.cpu().numpy(), classes.cpu().numpy()
    found = []
    for label in np.unique(numbers).tolist():
        mask = numbers == label
        score = float(likelihoods[mask].mean())
        if score > threshold:
            found.append(Segment(score, label, mask))
    return found
