"""Images and boxes to learn from, as COCO describes them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import caikit

from ...data_model import ObjectDetectionTrainSet

_MOST_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Box:
    """Left, top, width and height of an object, in pixels."""

    label: str
    edges: tuple[float, float, float, float]
    is_crowd: bool


@dataclass(frozen=True, slots=True)
class Example:
    """An image and all objects in it."""

    path: Path
    size: tuple[int, int] | None
    """Columns and rows, where they are given."""
    boxes: list[Box]


@dataclass(frozen=True, slots=True)
class Examples:
    labels: list[str]
    """The names of all classes, in the order of their numbers."""
    items: list[Example]


def readable_path(path: str) -> Path:
    """The file or folder that is meant; ValueError if it is not in the folder that training data has to be in."""
    base = (caikit.get_config().data_streams or {}).get("file_source_base")
    if not base:
        return Path(path)
    found = (Path(base) / path).resolve()
    if not found.is_relative_to(Path(base).resolve()):
        raise ValueError(
            f"expected a path in the folder of the setting data_streams.file_source_base, got {path!r}"
        )
    return found


def read_examples(given: ObjectDetectionTrainSet) -> Examples:
    """All examples; ValueError that says what is wrong with the labels file."""
    folder, file = readable_path(given.img_dir_path or ""), readable_path(given.labels_file or "")
    if not given.img_dir_path or not folder.is_dir():
        raise ValueError(f"expected a folder of images as img_dir_path, found none at {given.img_dir_path!r}")
    content = _read(file, given.labels_file)
    names = {each["id"]: str(each["name"]) for each in _entries(content, "categories", "id", "name")}
    labels = [names[number] for number in sorted(names)]
    if not labels or len(set(labels)) < len(labels):
        raise ValueError("expected categories with different names in the labels file")
    examples = {
        each["id"]: Example(_image(folder, each["file_name"]), _size(each), [])
        for each in _entries(content, "images", "id", "file_name")
    }
    for each in _entries(content, "annotations", "image_id", "category_id", "bbox"):
        if each["image_id"] not in examples or each["category_id"] not in names:
            found = f"image_id {each['image_id']!r} and category_id {each['category_id']!r}"
            raise ValueError(f"expected annotations of images and categories in the labels file, got {found}")
        box = Box(names[each["category_id"]], _edges(each["bbox"]), bool(each.get("iscrowd")))
        examples[each["image_id"]].boxes.append(box)
    if not any(example.boxes for example in examples.values()):
        raise ValueError("expected annotations in the labels file, got none")
    return Examples(labels, list(examples.values()))


def _read(file: Path, shown: str) -> dict[str, Any]:
    if not file.is_file() or file.stat().st_size > _MOST_BYTES:
        raise ValueError(f"expected a COCO file as labels_file, found none at {shown!r}")
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        raise ValueError(f"expected a COCO file as labels_file, got no JSON at {shown!r}") from None
    if not isinstance(content, dict):
        raise ValueError(f"expected a JSON object in the labels file, got a {type(content).__name__}")
    return content


def _entries(content: dict[str, Any], name: str, *keys: str) -> list[dict[str, Any]]:
    entries = content.get(name)
    if not isinstance(entries, list):
        raise ValueError(f"expected a list of {name} in the labels file, got {type(entries).__name__}")
    for place, entry in enumerate(entries):
        absent = [key for key in keys if not isinstance(entry, dict) or key not in entry]
        if absent:
            raise ValueError(f"expected {' and '.join(absent)} in the labels file at {name}[{place}]")
        if any(not isinstance(entry[key], (int, str)) for key in keys if key != "bbox"):
            raise ValueError(f"expected numbers and texts in the labels file at {name}[{place}]")
    return entries


def _image(folder: Path, name: Any) -> Path:
    path = (folder / str(name)).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise ValueError(
            f"expected an image of the labels file in the folder of images, found none called {name!r}"
        )
    return path


def _size(image: dict[str, Any]) -> tuple[int, int] | None:
    width, height = image.get("width"), image.get("height")
    return (width, height) if isinstance(width, int) and isinstance(height, int) else None


def _edges(box: Any) -> tuple[float, float, float, float]:
    numbers = box if isinstance(box, list) and len(box) == 4 else [None]
    if all(isinstance(each, (int, float)) and math.isfinite(each) for each in numbers):
        left, top, width, height = map(float, numbers)
        if width > 0 and height > 0:
            return left, top, width, height
    raise ValueError(f"expected left, top, width and height of a box in the labels file, got {box!r:.100}")
