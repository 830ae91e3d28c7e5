"""A model and its image processor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..images import work_on_image
from ._libraries import import_torch, pick_device

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage


@dataclass(frozen=True, slots=True)
class Group:
    """What the model says about some of the pictures: those at these places."""

    places: list[int]
    sizes: list[tuple[int, int]]
    """Rows and columns of each."""
    outputs: Any


class Pretrained:
    """A model on its device, ready to be asked."""

    def __init__(self, image_processor: Any, model: Any, device: str | None = None) -> None:
        self.image_processor = image_processor
        self.device = pick_device(device)
        self.model = model.to(self.device).eval()

    def ask(self, sources: Sequence[Any]) -> Iterator[Group]:
        """The outputs for all images; those of one size after preparation go through the model together.

        ValueError for what is no image, or none that fits the model.
        """
        torch = import_torch()
        prepared, sizes = [], []
        for source in sources:
            tensors, size = work_on_image(source, self._prepare)
            prepared.append(tensors)
            sizes.append(size)
        with torch.inference_mode():
            for places in _same_shapes(prepared):
                tensors = {
                    name: torch.cat([prepared[place][name] for place in places]).to(self.device)
                    for name in prepared[places[0]]
                }
                yield Group(places, [sizes[place] for place in places], self.model(**tensors))

    def label(self, number: int) -> str:
        """The name of a class, or its number where it has none."""
        names = self.model.config.id2label or {}
        name = names.get(number)
        # What transformers makes up for classes without names.
        return str(number) if name in (None, f"LABEL_{number}") else str(name)

    def numbers(self) -> dict[str, int]:
        """The numbers of all classes by their labels."""
        return {self.label(number): number for number in range(self.model.config.num_labels)}

    def _prepare(self, picture: PilImage) -> tuple[dict[str, Any], tuple[int, int]]:
        """What the model takes, and rows and columns of the image."""
        try:
            tensors = dict(self.image_processor(images=[picture], return_tensors="pt"))
        except Exception as refused:
            # Too narrow for the sizes of the model, for example, for which processors have many words.
            size = f"{picture.width} x {picture.height}"
            raise ValueError(f"expected an image that fits the model, got {size} pixels") from refused
        return tensors, (picture.height, picture.width)


def _same_shapes(prepared: Sequence[dict[str, Any]]) -> list[list[int]]:
    groups: dict[Any, list[int]] = {}
    for place, tensors in enumerate(prepared):
        shapes = tuple((name, tuple(tensor.shape)) for name, tensor in sorted(tensors.items()))
        groups.setdefault(shapes, []).append(place)
    return list(groups.values())
