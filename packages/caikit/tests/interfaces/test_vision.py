"""Images from every kind of source."""

from __future__ import annotations

import base64
import copy
import io
import json
import os
import pickle
import random
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import PIL.Image
import pytest

from caikit.core.data_model.data_backends import DataModelBackendBase, DictBackend
from caikit.interfaces.vision.data_model import VISION_PACKAGE, Image

PIXELS = np.random.default_rng(1).integers(0, 256, (4, 6, 3), dtype=np.uint8)
FORMATS = ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"]


def file_of(picture: Any, name: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format=name)
    return buffer.getvalue()


PICTURE = PIL.Image.fromarray(PIXELS)
PNG = file_of(PICTURE)


def check(image: Image) -> None:
    assert (image.rows, image.columns, image.channels) == (4, 6, 3)
    assert image.as_numpy().dtype == np.uint8
    assert np.array_equal(image.as_numpy(), PIXELS)
    assert image.as_pil().size == (6, 4)
    assert PIL.Image.open(io.BytesIO(image.image_data)).format == "PNG"


def test_sources(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(PNG)
    for source in (PNG, bytearray(PNG), memoryview(PNG), PICTURE, PIXELS, path, str(path)):
        check(Image(source))
        check(Image.from_proto(Image(source).to_proto()))
        check(Image.from_json(Image(source).to_json()))
        check(Image(image_data=source))


@pytest.mark.parametrize("name", FORMATS)
def test_bytes_are_kept(name: str, tmp_path: Path) -> None:
    data = file_of(PICTURE, name)
    (tmp_path / "image").write_bytes(data)
    for image in (Image(data), Image(tmp_path / "image")):
        assert image.image_data == data
        image.as_numpy()
        read = Image.from_binary_buffer(image.to_binary_buffer())
        assert read.image_data == data
        assert read == image
        assert json.loads(image.to_json()) == {"image_data": base64.b64encode(data).decode()}


@pytest.mark.parametrize("name", FORMATS)
def test_pictures_keep_their_format(name: str) -> None:
    picture = PIL.Image.open(io.BytesIO(file_of(PICTURE, name)))
    image = Image(picture)
    assert image.as_pil() is picture
    assert PIL.Image.open(io.BytesIO(image.image_data)).format == name
    assert image.image_data is image.image_data


def test_formats_that_pillow_only_reads_become_png() -> None:
    picture = PICTURE.copy()
    picture.format = "PSD"
    check(Image(picture))


def test_pictures_outlive_their_file(tmp_path: Path) -> None:
    (tmp_path / "image.png").write_bytes(PNG)
    with PIL.Image.open(tmp_path / "image.png") as picture:
        image = Image(picture)
    check(image)


@pytest.mark.parametrize(
    ("mode", "channels", "shape"),
    [("1", 1, (2, 3)), ("L", 1, (2, 3)), ("LA", 2, (2, 3, 2)), ("RGBA", 4, (2, 3, 4)), ("P", 1, (2, 3))],
)
def test_modes(mode: str, channels: int, shape: tuple[int, ...]) -> None:
    image = Image(PIL.Image.new(mode, (3, 2), 1))
    read = Image(image.image_data)
    for each in (image, read):
        assert each.channels == channels
        assert each.as_numpy().shape == shape
        assert each.as_numpy().dtype == np.uint8
    assert np.array_equal(image.as_numpy(), read.as_numpy())


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1)])
def test_arrays_of_one_channel(shape: tuple[int, ...]) -> None:
    array = PIXELS[:, :, 0].reshape(shape)
    image = Image(array)
    assert (image.rows, image.columns, image.channels) == (4, 6, 1)
    assert np.array_equal(image.as_numpy(), PIXELS[:, :, 0])
    assert np.array_equal(Image(image.image_data).as_numpy(), PIXELS[:, :, 0])


def test_pixels_belong_to_the_caller() -> None:
    image = Image(PNG)
    image.as_numpy()[:] = 0
    check(image)


def test_new_data_make_a_new_image() -> None:
    for image in (Image(PIXELS), Image(PNG)):
        assert image.rows == 4
        image.image_data = file_of(PIL.Image.new("L", (2, 9)))
        assert (image.rows, image.columns, image.channels) == (9, 2, 1)


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (None, TypeError, "expected bytes, a path, a PIL image or an array for an image, got NoneType"),
        (5, TypeError, "got int"),
        ([1], TypeError, "got list"),
        ("none.png", FileNotFoundError, "found none at none.png"),
        ("a" * 5000, FileNotFoundError, "found none at a{200}$"),
        (Path("none.png"), FileNotFoundError, "found none at none.png"),
        (b"", PIL.UnidentifiedImageError, "got 0 bytes"),
        (b"no image", PIL.UnidentifiedImageError, "got 8 bytes"),
        (PNG[:20], PIL.UnidentifiedImageError, "expected the bytes of an image"),
        (PIXELS.astype("float32"), ValueError, "expected an array of uint8 for an image, got float32"),
        (PIXELS.astype("int64"), ValueError, "got int64"),
        (PIXELS[0, 0], ValueError, r"got the shape \(3,\)"),
        (np.zeros((2, 2, 5), np.uint8), ValueError, r"up to four channels for an image, got the shape"),
        (np.zeros((0, 2), np.uint8), ValueError, r"got the shape \(0, 2\)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_image(source: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Image(source)


def test_programs_are_no_images() -> None:
    # Pillow would have Ghostscript run it.
    with pytest.raises(PIL.UnidentifiedImageError, match="a format that Pillow does not know"):
        Image(file_of(PICTURE, "EPS"))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_sizes_that_no_image_has() -> None:
    header = bytearray(PNG)
    header[16:24] = (60_000).to_bytes(4, "big") * 2
    header[29:33] = zlib.crc32(header[12:29]).to_bytes(4, "big")
    with pytest.raises(ValueError, match="exceeds limit"):
        Image(bytes(header))


def test_images_that_have_no_format() -> None:
    with pytest.raises(ValueError, match="expected an image that PNG can hold, got the mode CMYK"):
        Image(PIL.Image.new("CMYK", (2, 2))).to_proto()


def test_incomplete_pixels() -> None:
    image = Image(file_of(PICTURE, "BMP")[:-20])
    assert image.rows == 4
    with pytest.raises(ValueError, match="expected a complete image"):
        image.as_numpy()


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("name", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
def test_damaged_bytes_raise_nothing_else(name: str) -> None:
    chance = random.Random(name)
    data = file_of(PICTURE, name)
    for _ in range(100):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            Image(bytes(damaged[: chance.randint(len(data) // 2, len(data))])).as_numpy()
        except ValueError as error:
            assert isinstance(error, PIL.UnidentifiedImageError)  # noqa: PT017 - some of them are fine


class CountingBackend(DataModelBackendBase):
    def __init__(self) -> None:
        self.reads = 0

    def get_attribute(self, data_model_class: type[Any], name: str) -> bytes:
        self.reads += 1
        return PNG


def test_backends() -> None:
    backend = CountingBackend()
    image = Image.from_backend(backend)
    assert backend.reads == 0
    check(image)
    assert image.backend is backend
    assert backend.reads == 1
    check(Image.from_backend(DictBackend({"image_data": PNG})))
    assert Image.from_backend(DictBackend({"image_data": PNG})) == Image(PNG)


def test_copies() -> None:
    for image in (Image(PNG), Image(PIXELS), Image(PICTURE)):
        image.as_numpy()
        for other in (copy.copy(image), copy.deepcopy(image), pickle.loads(pickle.dumps(image))):
            check(other)
            assert other == image


def test_package() -> None:
    assert VISION_PACKAGE == "caikit_data_model.vision"


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    return done.stdout.strip()


def test_importing_is_light() -> None:
    program = "import sys, caikit.interfaces.vision; print([n for n in ('PIL', 'numpy') if n in sys.modules])"
    assert run(program) == "[]"


def test_pillow_is_asked_for_by_the_name_of_the_extra() -> None:
    program = """
import sys
sys.modules["PIL"] = None
import caikit.interfaces
try:
    caikit.interfaces.vision
except ImportError as error:
    print(error)
"""
    assert run(program) == "Images need Pillow: install caikit[interfaces-vision]"
