"""Models that see colours and shapes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    SegformerConfig,
    SegformerForSemanticSegmentation,
    SegformerImageProcessorPil,
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessorPil,
    YolosConfig,
    YolosForObjectDetection,
    YolosImageProcessorPil,
)

from ._scenes import COLOURS, SHAPES, Scene
from ._training import fit


def save_colour_model(folder: Path) -> None:
    """Says which colour covers most of an image."""
    size = 32
    config = ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        image_size=size,
        patch_size=8,
        **_names(list(COLOURS)),
    )
    model = ViTForImageClassification(config)
    colours = torch.tensor(list(COLOURS.values())) / 255

    def loss() -> Any:
        images, labels = _colour_batch(colours, size, count=64)
        return model((images - 0.5) / 0.5, labels=labels).loss

    fit(model, steps=180, rate=5e-3, loss=loss)
    model.save_pretrained(folder)
    ViTImageProcessorPil(size={"height": size, "width": size}).save_pretrained(folder)


def save_shape_detector(folder: Path, scenes: Sequence[Scene]) -> None:
    """Finds the shapes of these scenes."""
    size = 64
    config = YolosConfig(
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        image_size=[size, size],
        patch_size=8,
        num_detection_tokens=5,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        **_names(SHAPES),
    )
    model = YolosForObjectDetection(config)
    processor = YolosImageProcessorPil(do_pad=False, size={"height": size, "width": size})
    pixels = _pixels(processor, scenes)
    labels = [
        {
            "class_labels": torch.tensor([shape for shape, _ in scene.shapes]),
            "boxes": torch.tensor([_centred(box) for _, box in scene.shapes]) / scene.image.width,
        }
        for scene in scenes
    ]
    fit(model, steps=350, rate=1.5e-3, loss=lambda: model(pixels, labels=labels).loss)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def save_shape_segmenter(folder: Path, scenes: Sequence[Scene]) -> None:
    """Says for each pixel of these scenes what it belongs to."""
    size = 96
    config = SegformerConfig(
        hidden_sizes=[16, 32, 64, 64],
        depths=[1] * 4,
        num_attention_heads=[1, 2, 4, 4],
        decoder_hidden_size=32,
        hidden_dropout_prob=0.0,
        classifier_dropout_prob=0.0,
        drop_path_rate=0.0,
        **_names(["background", *SHAPES]),
    )
    model = SegformerForSemanticSegmentation(config)
    processor = SegformerImageProcessorPil(size={"height": size, "width": size})
    pixels = _pixels(processor, scenes)
    step = scenes[0].image.width // size
    classes = torch.tensor(np.stack([scene.classes for scene in scenes])).long()
    classes = classes[:, step // 2 :: step, step // 2 :: step][:, :size, :size]
    # Most of an image is background.
    weights = torch.tensor([0.2] + [1.0] * len(SHAPES))

    def loss() -> Any:
        logits = torch.nn.functional.interpolate(model(pixels).logits, size=(size, size), mode="bilinear")
        return torch.nn.functional.cross_entropy(logits, classes, weights)

    fit(model, steps=110, rate=4e-3, loss=loss)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def _names(labels: Sequence[str]) -> dict[str, Any]:
    return {
        "id2label": dict(enumerate(labels)),
        "label2id": {label: index for index, label in enumerate(labels)},
    }


def _pixels(processor: Any, scenes: Sequence[Scene]) -> Any:
    return processor([scene.image for scene in scenes], return_tensors="pt")["pixel_values"]


def _centred(box: tuple[int, int, int, int]) -> list[float]:
    """Middle and size, as detectors learn them."""
    left, top, right, bottom = box
    return [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]


def _colour_batch(colours: torch.Tensor, size: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noisy images of one colour, a quarter of them at most covered by another one."""
    labels, others = (torch.randint(len(colours), (count,)) for _ in range(2))
    shade = torch.randn(count, 3, 1, 1) * 0.04
    images = colours[labels][:, :, None, None].expand(count, 3, size, size) + shade
    for image, other in zip(images, others, strict=True):
        width, height = random.randint(0, size // 2), random.randint(0, size // 2)
        left, top = random.randint(0, size - width), random.randint(0, size - height)
        image[:, top : top + height, left : left + width] = colours[other][:, None, None]
    return (images + torch.randn(images.shape) * 0.04).clamp(0, 1), labels
