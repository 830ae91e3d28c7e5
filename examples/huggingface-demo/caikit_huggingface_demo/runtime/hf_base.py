"""What the modules have in common: a one-line config, and images as text."""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from caikit import get_config
from caikit.core import ModuleBase, ModuleConfig, ModuleLoader
from caikit.core.toolkit.concurrency.library_lock import library_lock
from typing_extensions import Self

from .images import ImageLimits, png_bytes, read_image

if TYPE_CHECKING:
    from PIL.Image import Image


class HFBase(ModuleBase):
    """A module that reads `hf_model` and `hf_model_revision` from the model's config.yml; both may be missing."""

    DEFAULT_MODEL: ClassVar[str | None] = None
    DEFAULT_REVISION: ClassVar[str | None] = None

    def __init__(self) -> None:
        super().__init__()
        self.note = ""

    @classmethod
    def read_config(
        cls,
        model_path: str | ModuleConfig,
        default_model: str | None = None,
        default_revision: str | None = None,
    ) -> tuple[str | None, str | None]:
        """The name of a model, or the folder of one, and its revision; the default revision is the default model's."""
        config = ModuleLoader(model_path).config
        name = config.get("hf_model")
        revision = config.get("hf_model_revision") or config.get("hf_revision")
        if not name:
            return default_model, revision or default_revision
        folder = Path(config.model_path, name)
        return (str(folder) if folder.is_dir() else name), revision

    @classmethod
    def load(cls, model_path: str | ModuleConfig) -> Self:
        name, revision = cls.read_config(model_path, cls.DEFAULT_MODEL, cls.DEFAULT_REVISION)
        with library_lock("transformers"):
            prepare_torch()
            model = cls.bootstrap(name, revision)
        model.note = str(ModuleLoader(model_path).config.get("note") or "")
        return model

    @classmethod
    def bootstrap(cls, name: str | None, revision: str | None = None) -> Self:
        """A model from a folder or from the hub."""
        raise NotImplementedError

    @property
    def public_model_info(self) -> dict[str, Any]:
        """The note of the model's config.yml tells people what to expect."""
        return {"note": self.note}

    @classmethod
    def get_image_bytes(cls, encoded_bytes_or_url: str) -> Image:
        """The image of a request."""
        return read_image(encoded_bytes_or_url, ImageLimits.from_config(get_config()))

    @classmethod
    def encode_image(cls, image: Image) -> bytes:
        """A PNG in base64."""
        return base64.b64encode(png_bytes(image))


@cache
def prepare_torch() -> None:
    """Few threads per calculation: requests run side by side, and more threads would wait for each other."""
    import torch
    from transformers.utils import logging

    torch.set_num_threads(int(get_config().huggingface_demo.threads))
    logging.set_verbosity_error()
    logging.disable_progress_bar()
