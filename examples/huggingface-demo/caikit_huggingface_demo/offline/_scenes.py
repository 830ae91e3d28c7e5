"""Drawn scenes: coloured shapes on a plain background, with what is where."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SHAPES = ("circle", "square", "triangle")
COLOURS = {
    "red": (214, 40, 40),
    "orange": (245, 130, 32),
    "yellow": (250, 210, 50),
    "green": (50, 160, 70),
    "blue": (40, 90, 210),
    "purple": (130, 60, 170),
    "pink": (240, 140, 180),
    "brown": (120, 75, 40),
    "black": (20, 20, 20),
    "grey": (130, 130, 130),
    "white": (240, 240, 240),
}


@dataclass
class Scene:
    image: Image.Image
    shapes: list[tuple[int, tuple[int, int, int, int]]]
    """Index of the shape, and its box."""
    classes: NDArray[np.uint8]
    """For each pixel: 0 for background, or 1 + the index of the shape."""


def draw_scene(size: int, most: int = 3) -> Scene:
    """Shapes that do not touch each other."""
    scale = 2  # drawn larger than it will be, so that edges are smooth
    image = Image.new(
        "RGB", (size * scale, size * scale), _shade(random.choice([(232, 232, 230), (40, 40, 46)]), by=6)
    )
    classes = Image.new("L", (size, size), 0)
    shapes: list[tuple[int, tuple[int, int, int, int]]] = []
    for _ in range(random.randint(1, most)):
        side = random.randint(size // 5, size // 2)
        left, top = random.randint(0, size - side), random.randint(0, size - side)
        box = (left, top, left + side, top + side)
        if any(_touch(box, other) for _, other in shapes):
            continue
        shape = random.randrange(len(SHAPES))
        colour = _shade(random.choice([COLOURS[name] for name in list(COLOURS)[:7]]))
        large = tuple(scale * edge for edge in box)
        _draw(ImageDraw.Draw(image), shape, large, colour)
        _draw(ImageDraw.Draw(classes), shape, box, 1 + shape)
        shapes.append((shape, box))
    return Scene(image.resize((size, size), Image.Resampling.BOX), shapes, np.asarray(classes))


def _draw(draw: ImageDraw.ImageDraw, shape: int, box: tuple[int, ...], fill: tuple[int, ...] | int) -> None:
    left, top, right, bottom = box
    match SHAPES[shape]:
        case "circle":
            draw.ellipse(box, fill)
        case "square":
            draw.rectangle(box, fill)
        case "triangle":
            draw.polygon([((left + right) / 2, top), (right, bottom), (left, bottom)], fill)


def _shade(colour: tuple[int, int, int], by: int = 20) -> tuple[int, ...]:
    return tuple(min(255, max(0, part + random.randint(-by, by))) for part in colour)


def _touch(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]
