"""Holds an image layout against what the specification of OCI images asks for."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from .layout import CONFIG, INDEX, MANIFEST, Files, blob_path

_LAYERS = tuple(f"application/vnd.oci.image.layer.v1.tar{suffix}" for suffix in ("", "+gzip", "+zstd"))
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CHUNK = 1 << 20


def check_image(layout: Path) -> dict[str, Any]:
    """The configuration of the only image of the layout; a ValueError says what is wrong with it."""
    try:
        return _checked(Files(layout))
    except (KeyError, tarfile.TarError, zlib.error) as error:
        raise ValueError(f"{layout} is no image: {type(error).__name__} {error}") from error


def _checked(files: Files) -> dict[str, Any]:
    _same(files.json("oci-layout"), {"imageLayoutVersion": "1.0.0"}, "oci-layout")
    index = files.json("index.json")
    _same(index["schemaVersion"], 2, "schemaVersion of index.json")
    _same(index.get("mediaType", INDEX), INDEX, "mediaType of index.json")
    _same(len(index["manifests"]), 1, "number of images in index.json")
    (descriptor,) = index["manifests"]
    _same(descriptor["mediaType"], MANIFEST, "mediaType of the manifest")
    manifest = json.loads(_content(files, descriptor))
    _same(manifest["schemaVersion"], 2, "schemaVersion of the manifest")
    _same(manifest["mediaType"], MANIFEST, "mediaType in the manifest")
    _same(manifest["config"]["mediaType"], CONFIG, "mediaType of the configuration")
    config: dict[str, Any] = json.loads(_content(files, manifest["config"]))
    _same([name for name in ("architecture", "os") if not config.get(name)], [], "what is missing")
    _same(config["rootfs"]["type"], "layers", "type of rootfs")
    with_content = [entry for entry in config.get("history", []) if not entry.get("empty_layer")]
    _same(len(with_content), len(manifest["layers"]), "entries of history with a layer")
    _check_layers(files, manifest["layers"], config["rootfs"]["diff_ids"])
    return config


def _check_layers(files: Files, layers: list[dict[str, Any]], diff_ids: list[str]) -> None:
    _same(len(diff_ids), len(layers), "number of diff_ids")
    for number, (descriptor, diff_id) in enumerate(zip(layers, diff_ids, strict=True)):
        _same(descriptor["mediaType"] in _LAYERS, True, f"known mediaType of layer {number}")
        packed = descriptor["mediaType"].endswith("+gzip")
        size, digest, plain = 0, hashlib.sha256(), hashlib.sha256()
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
        with files.open(blob_path(_named(descriptor["digest"]))) as file:
            for chunk in _chunks(file):
                size += len(chunk)
                digest.update(chunk)
                plain.update(unpack.decompress(chunk) if packed else chunk)
        _same(size, descriptor["size"], f"size of layer {number}")
        _same(f"sha256:{digest.hexdigest()}", descriptor["digest"], f"digest of layer {number}")
        if not descriptor["mediaType"].endswith("+zstd"):
            _same(f"sha256:{plain.hexdigest()}", _named(diff_id), f"diff_id of layer {number}")


def _content(files: Files, descriptor: dict[str, Any]) -> bytes:
    with files.open(blob_path(_named(descriptor["digest"]))) as file:
        data = file.read()
    _same(len(data), descriptor["size"], f"size of {descriptor['mediaType']}")
    _same(
        f"sha256:{hashlib.sha256(data).hexdigest()}",
        descriptor["digest"],
        f"digest of {descriptor['mediaType']}",
    )
    return data


def _named(digest: str) -> str:
    _same(bool(_DIGEST.fullmatch(digest)), True, f"digest that says sha256: {digest}")
    return digest


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _same(found: Any, expected: Any, where: str) -> None:
    if found != expected:
        raise ValueError(f"{where}: expected {expected!r}, found {found!r}")
