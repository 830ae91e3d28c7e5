"""Puts an image together: a base, third-party packages, our packages."""

from __future__ import annotations

import re
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .containerfile import image_config, read_stages
from .layers import Layer, layer_of_archive, layer_of_folder
from .layout import Files, Image, blob_path, pack, read_image, timestamp, write_image
from .packages import Wheel, install, resolve, write_environment

FOLDER = Path(__file__).parent
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/Containerfile"))
_PYTHON = re.compile(r"(?:\./)?(usr/(?:local/)?bin/python3\.(\d+))")


def requirements_of(name: str) -> str:
    return read_stages(FOLDER / name / "Containerfile")[0].values["REQUIREMENTS"]


def build_image(
    name: str, *, base: Path, wheels: Path, target: Path, epoch: int, requirements: str | None = None
) -> str:
    """Write the image to a folder, or to one file if the target ends with .tar; returns its digest."""
    packages = resolve(requirements or requirements_of(name), wheels)
    versions = {wheel.name: wheel.version for wheel in packages}
    version = versions.get(name) or versions.get("caikit")
    if version is None:
        raise ValueError(f"expected requirements that bring caikit, found {' '.join(versions)}")
    final = read_stages(FOLDER / name / "Containerfile", {"VERSION": version})[-1]
    config = image_config(final)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".image-", dir=target.parent) as temporary:
        layout = Path(temporary) / "layout"
        below = _base_image(base, layout, epoch)
        python = _python_of(below, layout)
        layers = _package_layers(packages, wheels, python, list(config["Volumes"]), layout, epoch)
        history = [
            {"created": timestamp(epoch), "created_by": f"images: {each}", "comment": name} for each in layers
        ]
        image = Image(
            [*below.layers, *layers.values()],
            [*below.history, *history],
            _merged(below.config, config),
        )
        annotations = config["Labels"] | {
            "caikit.base": below.layers[-1].digest,
            "caikit.wheels": "\n".join(f"{each.name}=={each.version} {each.sha256}" for each in packages),
        }
        digest = write_image(layout, image, name=f"{name}:{version}", epoch=epoch, annotations=annotations)
        _publish(layout, target)
    return digest


def _package_layers(
    packages: list[Wheel], wheels: Path, python: Path, volumes: list[str], layout: Path, epoch: int
) -> dict[str, Layer]:
    """Two, since our packages change more often than those of others."""
    others, ours = layout.parent / "others", layout.parent / "ours"
    install([wheel for wheel in packages if not wheel.is_ours], wheels, others)
    install([wheel for wheel in packages if wheel.is_ours], wheels, ours)
    write_environment(others, python)
    writable = [volume.strip("/") for volume in volumes]
    for volume in writable:
        (others / volume).mkdir(parents=True)
    blobs = layout / "blobs" / "sha256"
    return {
        "third-party packages": layer_of_folder(others, blobs, epoch, writable),
        "packages of caikit": layer_of_folder(ours, blobs, epoch),
    }


def _base_image(base: Path, layout: Path, epoch: int) -> Image:
    """What the base consists of: an OCI layout, or a root file system as an archive."""
    blobs = layout / "blobs" / "sha256"
    if not base.is_dir():
        layer = layer_of_archive(base, blobs, epoch)
        return Image([layer], [{"created": timestamp(epoch), "created_by": "images: root file system"}], {})
    blobs.mkdir(parents=True)
    image = read_image(base)
    for layer in image.layers:
        shutil.copyfile(base / blob_path(layer.digest), layout / blob_path(layer.digest))
    return image


def _python_of(image: Image, layout: Path) -> Path:
    """The Python of the base; what is installed for one Python does not run with another."""
    found = {int(match[2]): match[1] for match in map(_PYTHON.fullmatch, _names(image, layout)) if match}
    minor = sys.version_info.minor
    if minor not in found:
        there = ", ".join(f"3.{each}" for each in sorted(found)) or "none"
        raise ValueError(f"expected a base with Python 3.{minor}, which this runs with, found {there}")
    return Path("/", found[minor])


def _names(image: Image, layout: Path) -> Iterator[str]:
    for layer in image.layers:
        with Files(layout).open(blob_path(layer.digest)) as file, tarfile.open(fileobj=file) as archive:
            yield from (member.name for member in archive)


def _merged(below: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """The configuration over that of the base; a command of the base is not for our entry point."""
    names = {entry.partition("=")[0] for entry in config["Env"]}
    kept = [entry for entry in below.get("Env", []) if entry.partition("=")[0] not in names]
    merged = {name: value for name, value in below.items() if name != "Cmd"} | config
    return merged | {"Env": [*kept, *config["Env"]]}


def _publish(layout: Path, target: Path) -> None:
    """At once, so that there is never half an image."""
    finished = layout
    if target.suffix == ".tar":
        finished = layout.with_suffix(".tar")
        pack(layout, finished)
    elif target.is_dir():
        shutil.rmtree(target)
    finished.rename(target)
