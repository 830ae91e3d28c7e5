"""A module without weights, to try out what calls text to image."""

from __future__ import annotations

from caikit.core import ModuleBase, ModuleConfig, ModuleSaver, module
from caikit.interfaces.vision.data_model import Image

from ..._settings import input_limits
from ...data_model import CaptionedImage, TextToImageTask
from .._arguments import check_count

_BLUE = (0, 100, 200)


@module("28aa938b-1a33-11a0-11a3-bb9c3b1cbb11", "Stub module for Text to Image", "0.1.0", TextToImageTask)
class TTIStub(ModuleBase):
    """Answers every text with an image in one colour."""

    @classmethod
    def bootstrap(cls, model_name: str = "") -> TTIStub:
        """The same for every name."""
        return cls()

    @classmethod
    def load(cls, model_path: str | ModuleConfig) -> TTIStub:
        ModuleConfig.load(model_path)
        return cls()

    def save(self, model_path: str) -> None:
        with ModuleSaver(self, model_path=model_path):
            pass

    def run(self, inputs: str, height: int, width: int) -> CaptionedImage:
        """An image of this size, and the text as its caption."""
        import PIL.Image

        pixels = check_count("height", height) * check_count("width", width)
        most = input_limits().max_pixels
        if pixels > most:
            found = f"{width} x {height}; the limit is the setting computer_vision.inputs.max_pixels"
            raise ValueError(f"expected an image of at most {most} pixels, got {found}")
        picture = PIL.Image.new("RGB", (width, height), _BLUE)
        return CaptionedImage(output=Image(picture), caption=inputs, producer_id=self.PRODUCER_ID)
