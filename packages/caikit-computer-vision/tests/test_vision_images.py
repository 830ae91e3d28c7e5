"""What is accepted as an image, and how it is looked at."""

from __future__ import annotations

import base64
import contextlib
import struct
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from caikit_computer_vision.data_model import FlatImage
from caikit_computer_vision.images import read_image, work_on_image

# Pillow has remarks on damaged files.
pytestmark = pytest.mark.filterwarnings(
    "ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning"
)

LimitInputs = Callable[..., None]
Encode = Callable[..., bytes]


def colours(picture: PIL.Image.Image) -> list[tuple[int, ...]]:
    return [tuple(pixel) for pixel in np.asarray(picture).reshape(-1, 3).tolist()]


def one_colour(mode: str, colour: Any, size: tuple[int, int] = (8, 8)) -> PIL.Image.Image:
    return PIL.Image.new(mode, size, colour)


@pytest.mark.parametrize("format", ["PNG", "BMP", "GIF", "TIFF", "WEBP", "JPEG"])
def test_formats(format: str, encode: Encode) -> None:
    picture = one_colour("RGB", (255, 0, 0))
    read = read_image(encode(picture, format))
    assert (read.mode, read.size) == ("RGB", (8, 8))
    red, green, blue = colours(read)[0]
    assert red > 240
    assert green + blue < 20


@pytest.mark.parametrize(
    ("mode", "colour", "format", "expected"),
    [
        ("L", 200, "PNG", (200, 200, 200)),
        ("1", 1, "PNG", (255, 255, 255)),
        ("P", 0, "PNG", (0, 0, 0)),
        ("I;16", 200 * 256, "PNG", (200, 200, 200)),
        ("RGBA", (10, 20, 30, 255), "PNG", (10, 20, 30)),
        ("RGBA", (10, 20, 30, 0), "PNG", (255, 255, 255)),
        ("LA", (10, 0), "PNG", (255, 255, 255)),
        ("CMYK", (0, 0, 0, 0), "TIFF", (255, 255, 255)),
        ("CMYK", (0, 255, 255, 0), "TIFF", (255, 0, 0)),
    ],
)
def test_modes(mode: str, colour: Any, format: str, expected: tuple[int, ...], encode: Encode) -> None:
    assert set(colours(read_image(encode(one_colour(mode, colour), format)))) == {expected}


def test_jpeg_of_a_printer(encode: Encode) -> None:
    red, green, blue = colours(read_image(encode(one_colour("CMYK", (0, 255, 255, 0)), "JPEG")))[0]
    assert red > 200
    assert green + blue < 60


def test_a_transparent_colour_of_a_palette(encode: Encode) -> None:
    picture = one_colour("P", 3)
    picture.putpalette([9] * 768)
    assert set(colours(read_image(encode(picture, "PNG", transparency=3)))) == {(255, 255, 255)}
    assert set(colours(read_image(encode(picture, "PNG", transparency=4)))) == {(9, 9, 9)}


def test_pixels_that_are_no_colours(encode: Encode) -> None:
    with pytest.raises(ValueError, match="expected an image with 8 or 16 bits a channel, got the mode F"):
        read_image(encode(one_colour("F", 0.5), "TIFF"))


def test_turned_as_the_file_says(encode: Encode) -> None:
    picture = one_colour("RGB", (0, 0, 0), (30, 20))
    picture.paste((255, 255, 255), (0, 0, 5, 5))
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # turn to the right
    read = read_image(encode(picture, "PNG", exif=exif))
    assert read.size == (20, 30)
    assert read.getpixel((19, 0)) == (255, 255, 255)
    assert read.getpixel((0, 0)) == (0, 0, 0)


def test_damaged_notes_of_the_camera(encode: Encode) -> None:
    assert read_image(encode(one_colour("RGB", 0), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")).size == (
        8,
        8,
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 3), (3, 1), (3, 3)])
def test_small_images(size: tuple[int, int], encode: Encode) -> None:
    assert read_image(encode(one_colour("RGB", 0, size))).size == size


@pytest.mark.parametrize(
    "data", [b"", b"no image", b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\0" * 500]
)
def test_bytes_that_are_no_image(data: bytes) -> None:
    with pytest.raises(ValueError, match="expected an image file"):
        read_image(data)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"])
def test_truncated_images(format: str, picture: Any, encode: Encode) -> None:
    data = encode(picture, format)
    for length in {20, 40, len(data) // 2, len(data) - 60}:
        with pytest.raises(ValueError, match="expected"):
            read_image(data[:length])


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"])
def test_damaged_images(format: str, picture: Any, encode: Encode, limit_inputs: LimitInputs) -> None:
    limit_inputs(max_pixels=100_000)
    random = np.random.default_rng(11)
    data = encode(picture, format)
    for _ in range(60):
        damaged = bytearray(data)
        for place in random.integers(0, min(len(damaged), 400), 3).tolist():
            damaged[place] = int(random.integers(0, 256))
        with contextlib.suppress(ValueError):
            read_image(bytes(damaged))


@pytest.mark.parametrize("size", [(7000, 7000), (12_000, 12_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_pixels_are_counted_before_they_are_decoded(size: tuple[int, int]) -> None:
    header = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n"
    for name, content in parts:
        data += (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )
    with pytest.raises(
        ValueError, match=r"at most 40000000 pixels, got .* computer_vision\.inputs\.max_pixels"
    ):
        read_image(data)


def test_pixels_of_what_is_no_file_are_counted(limit_inputs: LimitInputs) -> None:
    limit_inputs(max_pixels=10)
    pixels = np.zeros((4, 3, 3), np.uint8)
    for source in (pixels, PIL.Image.fromarray(pixels), FlatImage.from_numpy(pixels)):
        with pytest.raises(ValueError, match="at most 10 pixels, got 3 x 4 = 12"):
            read_image(source)


@pytest.mark.parametrize(("at_once", "together"), [(1, 1), (150, 2), (10_000, 6)])
def test_images_wait_for_their_turn(
    at_once: int, together: int, encode: Encode, limit_inputs: LimitInputs
) -> None:
    limit_inputs(max_pixels_at_once=at_once)
    file = encode(one_colour("RGB", 0))
    lock, now, most, sizes = threading.Lock(), [0], [0], []

    def work(picture: PIL.Image.Image) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.1)
        with lock:
            now[0] -= 1
            sizes.append(picture.size)

    def fail(_: PIL.Image.Image) -> None:
        raise RuntimeError("no model")

    with pytest.raises(RuntimeError, match="no model"):
        work_on_image(file, fail)
    threads = [threading.Thread(target=work_on_image, args=(file, work)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most[0], sizes) == (together, [(8, 8)] * 6)


def test_bytes_are_counted(png: bytes, limit_inputs: LimitInputs, tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(png)
    limit_inputs(max_bytes=len(png) - 1)
    for source in (png, base64.b64encode(png).decode(), tmp_path / "picture.png"):
        with pytest.raises(ValueError, match=rf"at most {len(png) - 1} bytes"):
            read_image(source)
    limit_inputs(max_bytes=len(png))
    for source in (png, base64.b64encode(png).decode(), tmp_path / "picture.png"):
        assert read_image(source).size == (60, 40)


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_frames_are_counted(format: str, encode: Encode, limit_inputs: LimitInputs) -> None:
    frames = [one_colour("RGB", (shade, 0, 0)) for shade in (255, 100, 50)]
    data = encode(frames[0], format, save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match=r"at most 1 frames, got 3; .*computer_vision\.inputs\.max_frames"):
        read_image(data)
    limit_inputs(max_frames=3)
    assert colours(read_image(data))[0][0] > 240


def test_a_photograph_with_a_preview(encode: Encode) -> None:
    picture = one_colour("RGB", (255, 0, 0), (64, 64))
    data = encode(picture, "MPO", save_all=True, append_images=[picture.resize((8, 8))])
    assert read_image(data).size == (64, 64)


def test_formats_are_a_setting(encode: Encode, limit_inputs: LimitInputs) -> None:
    picture = one_colour("RGB", 0)
    limit_inputs(formats=["PNG"])
    assert read_image(encode(picture)).size == (8, 8)
    with pytest.raises(ValueError, match=r"expected an image file \(PNG\)"):
        read_image(encode(picture, "GIF"))
    with pytest.raises(ValueError, match="expected an image file"):
        read_image(encode(picture, "PPM"))


@pytest.mark.parametrize("format", ["PNG", "BMP", "GIF", "TIFF", "WEBP", "JPEG"])
def test_base64_and_data_urls(format: str, encode: Encode) -> None:
    text = base64.b64encode(encode(one_colour("RGB", 0), format)).decode()
    assert read_image(text).size == (8, 8)
    assert read_image(f"data:image/{format.lower()};base64,{text}").size == (8, 8)


@pytest.mark.parametrize("text", ["data:image/png;base64,!!!", "data:image/png;base64,bm8gaW1hZ2U="])
def test_data_urls_without_an_image(text: str) -> None:
    with pytest.raises(ValueError, match="expected an image"):
        read_image(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/etc/hostname",
        "picture.png",
        "../picture.png",
        "file:///etc/hostname",
        "http://127.0.0.1:1/picture.png",
        "https://example.com/picture.png",
        "a\0b",
        "x" * 10_000,
        "bm8gaW1hZ2U=",
    ],
)
def test_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Paths are opened only in the folders of the setting"):
        read_image(text)


def test_paths_in_allowed_folders(tmp_path: Path, png: bytes, limit_inputs: LimitInputs) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "picture.png").write_bytes(png)
    (inside / "link.png").symlink_to(outside / "picture.png")
    refused = [
        outside / "picture.png",
        inside / ".." / "outside" / "picture.png",
        inside / "link.png",
        f"file://{inside}/picture.png",
        tmp_path / "insider.png",
    ]
    for text in [inside / "picture.png", *refused]:
        with pytest.raises(ValueError, match="Paths are opened only"):
            read_image(str(text))
    limit_inputs(allowed_paths=[str(inside)])
    assert read_image(str(inside / "picture.png")).size == (60, 40)
    assert read_image(str(inside / ".." / "inside" / "picture.png")).size == (60, 40)
    for text in refused:
        with pytest.raises(ValueError, match="Paths are opened only"):
            read_image(str(text))
    for text in (inside / "absent.png", inside):
        with pytest.raises(ValueError, match="expected an image file at the given path, found none"):
            read_image(str(text))


@pytest.mark.parametrize("data", [b"", b"no image at all"])
def test_base64_of_something_else(data: bytes) -> None:
    with pytest.raises(
        ValueError, match=rf"an image file \(.*PNG.*\), .*, got {len(data)} bytes that are none"
    ):
        read_image(base64.b64encode(data).decode())


def test_what_is_no_image_at_all(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"expected the bytes of an image file, a FlatImage, .*, got int"):
        read_image(5)
    with pytest.raises(FileNotFoundError, match="expected an image file, found none at"):
        read_image(tmp_path / "absent.png")
    with pytest.raises(ValueError, match="expected an array of uint8"):
        read_image(np.zeros((2, 2, 3)))


@pytest.mark.parametrize(
    "settings", [{"max_bytes": 0}, {"max_pixels": "many"}, {"formats": 3}, {"formats": "PNG,X"}]
)
def test_settings_that_cannot_be_right(
    settings: dict[str, Any], limit_inputs: LimitInputs, png: bytes
) -> None:
    limit_inputs(**settings)
    with pytest.raises(ValueError, match=r"in the setting computer_vision\.inputs\."):
        read_image(png)
