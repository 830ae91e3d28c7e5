"""OCI image layouts: folders of blobs that are named after their content, and an index."""

from __future__ import annotations

import hashlib
import json
import platform
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

from .layers import Layer

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Image:
    """What an image consists of; `config` says how it is run."""

    layers: list[Layer]
    history: list[dict[str, Any]]
    config: dict[str, Any]


def write_image(layout: Path, image: Image, *, name: str, epoch: int, annotations: dict[str, str]) -> str:
    """Complete a layout that has the layers of the image; returns the digest of the manifest."""
    created = timestamp(epoch)
    machine = platform.machine()
    config = {
        "created": created,
        "architecture": ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": image.config,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in image.layers]},
        "history": image.history,
    }
    config_descriptor = {"mediaType": CONFIG, **_add_blob(layout, config)}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config_descriptor,
        "layers": [
            {"mediaType": layer.media_type, "digest": layer.digest, "size": layer.size}
            for layer in image.layers
        ],
        "annotations": {"org.opencontainers.image.created": created, **annotations},
    }
    descriptor = {
        "mediaType": MANIFEST,
        **_add_blob(layout, manifest),
        "annotations": {"org.opencontainers.image.ref.name": name},
    }
    _write_json(layout / "oci-layout", {"imageLayoutVersion": "1.0.0"})
    _write_json(layout / "index.json", {"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor]})
    # Engines that know no OCI layout load what this file lists.
    listed = [blob_path(config_descriptor["digest"]), *(blob_path(layer.digest) for layer in image.layers)]
    _write_json(layout / "manifest.json", [{"Config": listed[0], "RepoTags": [name], "Layers": listed[1:]}])
    return str(descriptor["digest"])


def read_image(layout: Path) -> Image:
    """The only image of a layout, or its first one for this machine."""
    files = Files(layout)
    machine = ARCHITECTURES.get(platform.machine(), platform.machine())
    entries = files.json("index.json")["manifests"]
    while True:
        fitting = [
            entry for entry in entries if entry.get("platform", {}).get("architecture", machine) == machine
        ]
        if not fitting:
            raise ValueError(f"expected an image for {machine}, found none in {layout}")
        manifest = files.blob(fitting[0])
        if fitting[0]["mediaType"] != INDEX:
            break
        entries = manifest["manifests"]
    config = files.blob(manifest["config"])
    layers = [
        Layer(entry["digest"], entry["size"], diff_id, entry["mediaType"])
        for entry, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True)
    ]
    return Image(layers, config.get("history", []), config.get("config", {}))


def pack(layout: Path, target: Path) -> None:
    """The layout as one file that engines load."""
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(path for path in layout.rglob("*") if path.is_file()):
            info = tarfile.TarInfo(path.relative_to(layout).as_posix())
            info.size = path.stat().st_size
            with path.open("rb") as file:
                archive.addfile(info, file)


class Files:
    """The files of a layout: a folder, or an archive of one."""

    def __init__(self, layout: Path) -> None:
        self._layout = layout

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        if self._layout.is_dir():
            with (self._layout / name).open("rb") as file:
                yield file
            return
        with tarfile.open(self._layout) as archive:
            member = archive.extractfile(name)
            if member is None:
                raise ValueError(f"expected a file, found something else: {name}")
            yield member

    def json(self, name: str) -> Any:
        with self.open(name) as file:
            return json.load(file)

    def blob(self, descriptor: dict[str, Any]) -> Any:
        return self.json(blob_path(descriptor["digest"]))


def blob_path(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def timestamp(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _add_blob(layout: Path, value: Any) -> dict[str, Any]:
    data = _encoded(value)
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    (layout / blob_path(digest)).write_bytes(data)
    return {"digest": digest, "size": len(data)}


def _write_json(path: Path, value: Any) -> None:
    path.write_bytes(_encoded(value))


def _encoded(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
