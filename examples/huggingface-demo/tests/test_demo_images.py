"""Images that come as a text, and what may be opened for callers."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from runtime.images import ImageLimits, png_bytes, read_image


def limits(**changes: Any) -> ImageLimits:
    usual: dict[str, Any] = {
        "max_bytes": 100_000,
        "max_pixels": 10_000,
        "allowed_hosts": frozenset(),
        "allowed_directories": (),
    }
    return ImageLimits(**usual | changes)


def png(*size: int) -> bytes:
    return png_bytes(Image.new("RGB", size or (4, 3), (250, 10, 10)))


def test_base64() -> None:
    image = read_image(base64.b64encode(png()).decode(), limits())
    assert (image.size, image.mode, image.getpixel((0, 0))) == ((4, 3), "RGB", (250, 10, 10))


def test_turned_as_the_file_says() -> None:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (4, 3)).save(file, "JPEG", exif=exif)
    assert read_image(base64.b64encode(file.getvalue()).decode(), limits()).size == (3, 4)


def test_limits() -> None:
    large = base64.b64encode(png(101, 100)).decode()
    with pytest.raises(
        ValueError, match=r"at most 10000 pixels \(huggingface_demo.images.max_pixels\), got 101 x 100"
    ):
        read_image(large, limits())
    with pytest.raises(ValueError, match=r"at most 10 bytes \(huggingface_demo.images.max_bytes\), got \d+"):
        read_image(large, limits(max_bytes=10))


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "0 bytes that are none"),
        (b"no image", "8 bytes that are none"),
        (png(90, 90)[:80], "one that cannot be read"),
    ],
)
def test_what_is_no_image(data: bytes, found: str) -> None:
    with pytest.raises(ValueError, match=f"expected an image file such as PNG or JPEG, got {found}"):
        read_image(base64.b64encode(data).decode(), limits())


def test_files_only_in_open_folders(tmp_path: Path) -> None:
    shared, private = tmp_path / "shared", tmp_path / "private"
    for folder in (shared, private):
        folder.mkdir()
        (folder / "a.png").write_bytes(png())
    (shared / "link.png").symlink_to(private / "a.png")
    allowed = limits(allowed_directories=(shared,))
    assert read_image(str(shared / "a.png"), allowed).size == (4, 3)
    outside = [
        private / "a.png",
        shared / ".." / "private" / "a.png",
        shared / "link.png",
        shared / "none.png",
    ]
    for path in outside:
        with pytest.raises(ValueError, match="expected an image file"):
            read_image(str(path), allowed)
    with pytest.raises(ValueError, match="expected an image file"):
        read_image(str(shared / "a.png"), limits())


@pytest.fixture
def web() -> Iterator[str]:
    """Serves an image, and a way to somewhere else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/away":
                self.send_response(302)
                self.send_header("Location", f"http://localhost:{self.server.server_port}/image")
                self.end_headers()
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(png())

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(10)


def test_urls_of_allowed_hosts(web: str) -> None:
    allowed = limits(allowed_hosts=frozenset({"127.0.0.1"}))
    assert read_image(f"{web}/image", allowed).size == (4, 3)
    with pytest.raises(ValueError, match="images are not fetched from 'localhost'"):
        read_image(f"{web}/away", allowed)
    with pytest.raises(ValueError, match=r"images are not fetched from '127.0.0.1'.*allowed_hosts"):
        read_image(f"{web}/image", limits())
    with pytest.raises(ValueError, match="at most 10 bytes"):
        read_image(f"{web}/image", limits(allowed_hosts=frozenset({"127.0.0.1"}), max_bytes=10))
    with pytest.raises(ValueError, match="images are not fetched"):
        read_image("httpfile:///etc/hostname", allowed)
