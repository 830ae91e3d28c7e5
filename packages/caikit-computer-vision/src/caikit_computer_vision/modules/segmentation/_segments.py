"""From the outputs of segmentation models to masks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from ...pretrained import Group, Pretrained

PANOPTIC, INSTANCE, SEMANTIC = "panoptic", "instance", "semantic"
"""Every pixel to one thing or background; every thing by itself; every pixel to one kind."""

# Processors stretch all masks of a model to the size of the image at once.
_MOST_FLOATS_AT_ONCE = 2**27
# Of all classes of all pixels; together they cost about 2 seconds, in strips little memory.
_MOST_FLOATS = 2**29
_MOST_FLOATS_OF_A_STRIP = 2**23


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
) -> Iterator[Iterator[Segment]]:
    """For each image of a group, the segments whose scores are above the threshold.

    Masks are as large as the image. All work is done when segments are asked for: mind `cost_of`.
    """
    for place, size in enumerate(group.sizes):
        if subtask == SEMANTIC:
            yield _semantic(group.outputs.logits[place], size, threshold)
        else:
            yield _things(pretrained.image_processor, group, place, subtask, threshold)


def cost_of(group: Group, place: int, subtask: str) -> int:
    """How many pixels take about as much memory as the segments of an image, while they are found."""
    rows, columns = group.sizes[place]
    if subtask == SEMANTIC:
        return rows * columns
    short_rows, short_columns = _affordable_for_things(group, place)
    return rows * columns + _query_count(group.outputs) * short_rows * short_columns


def _things(
    image_processor: Any, group: Group, place: int, subtask: str, threshold: float
) -> Iterator[Segment]:
    post_process = getattr(image_processor, f"post_process_{subtask}_segmentation")
    # Otherwise panoptic processors remark that nothing is fused.
    options: dict[str, Any] = {"label_ids_to_fuse": set()} if subtask == PANOPTIC else {}
    size = _affordable_for_things(group, place)
    (found,) = post_process(_only(group, place), threshold=threshold, target_sizes=[size], **options)
    yield from _masked(found, group.sizes[place], threshold)


def _only(group: Group, place: int) -> Any:
    """The outputs for one image."""
    count = len(group.places)
    return SimpleNamespace(
        **{
            name: values[place : place + 1]
            for name, values in group.outputs.items()
            if getattr(values, "shape", ())[:1] == (count,)
        }
    )


def _affordable_for_things(group: Group, place: int) -> tuple[int, int]:
    return _affordable(group.sizes[place], _MOST_FLOATS_AT_ONCE // _query_count(group.outputs))


def _query_count(outputs: Any) -> int:
    """How many masks a model gives."""
    masks = outputs.pred_masks if hasattr(outputs, "pred_masks") else outputs.masks_queries_logits
    return int(masks.shape[1])


def _affordable(size: tuple[int, int], most: int) -> tuple[int, int]:
    """The size, or a smaller one of the same shape: what models say of large images is far coarser than these."""
    rows, columns = size
    shrink = math.sqrt(min(1, most / (rows * columns)))
    return (max(1, int(rows * shrink)), max(1, int(columns * shrink))) if shrink < 1 else size


def _masked(found: dict[str, Any], size: tuple[int, int], threshold: float) -> Iterator[Segment]:
    infos = found["segments_info"]
    if not infos:
        return
    numbers = _stretch(found["segmentation"].cpu().numpy().astype(np.int16), size)
    for info in infos:
        mask, score = numbers == info["id"], float(info["score"])
        # Others may hide all of a segment.
        if score > threshold and mask.any():
            yield Segment(score, int(info["label_id"]), mask)


def _stretch(numbers: np.ndarray[Any, Any], size: tuple[int, int]) -> np.ndarray[Any, Any]:
    """To the size of the image, without numbers between those of neighbours."""
    if numbers.shape == size:
        return numbers
    rows, columns = (np.arange(long) * short // long for short, long in zip(numbers.shape, size, strict=True))
    return numbers[np.ix_(rows, columns)]


def _semantic(logits: Any, size: tuple[int, int], threshold: float) -> Iterator[Segment]:
    """Each pixel to its likeliest class; the score is the mean likelihood of the pixels."""
    kinds = logits.shape[0]
    smaller = _affordable(size, _MOST_FLOATS // kinds)
    numbers = np.empty(smaller, np.int16)
    sums, counts = np.zeros(kinds), np.zeros(kinds, np.int64)
    for top, part in _strips(logits, smaller):
        likely, classes = (each.cpu().numpy() for each in part.softmax(0).max(0))
        numbers[top : top + len(classes)] = classes
        sums += np.bincount(classes.ravel(), likely.ravel(), minlength=kinds)
        counts += np.bincount(classes.ravel(), minlength=kinds)
    numbers = _stretch(numbers, size)
    for label in np.flatnonzero(counts).tolist():
        score = float(sums[label] / counts[label])
        if score > threshold:
            yield Segment(score, label, numbers == label)


def _strips(logits: Any, size: tuple[int, int]) -> Iterator[tuple[int, Any]]:
    """Bilinear interpolation to a size, rows by rows: all classes of all pixels may be more than there is memory."""
    import torch
    from torch.nn.functional import interpolate

    kinds, short, _ = logits.shape
    rows, columns = size
    # As `interpolate` does it where corners are not aligned.
    places = ((torch.arange(rows, device=logits.device) + 0.5) * (short / rows) - 0.5).clamp(0, short - 1)
    height = max(1, _MOST_FLOATS_OF_A_STRIP // (kinds * columns))
    for top in range(0, rows, height):
        above = places[top : top + height].long()
        below = (above + 1).clamp(max=short - 1)
        weight = (places[top : top + height] - above)[:, None].to(logits.dtype)
        lines = logits[:, above] * (1 - weight) + logits[:, below] * weight
        yield top, interpolate(lines[None], size=(len(above), columns), mode="bilinear")[0]
