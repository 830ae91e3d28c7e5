"""Images that are built without an engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from images.build import build_image
from images.check import check_image
from images.layout import blob_path, pack, read_image

ROOT = Path(__file__).parents[2]
SITE_PACKAGES = f"opt/caikit/lib/python3.{sys.version_info.minor}/site-packages"


def build(small: SimpleNamespace, target: Path, **others: Any) -> str:
    options = {"base": small.base, "wheels": small.wheels, "epoch": small.epoch, "requirements": "caikit"}
    return build_image("caikit-runtime", target=target, **(options | others))


def members(image: Path) -> dict[str, tarfile.TarInfo]:
    found: dict[str, tarfile.TarInfo] = {}
    for layer in read_image(image).layers:
        with tarfile.open(image / blob_path(layer.digest)) as archive:
            found |= {member.name: member for member in archive}
    return found


def content(image: Path, path: str) -> bytes:
    for layer in reversed(read_image(image).layers):
        with tarfile.open(image / blob_path(layer.digest)) as archive:
            if path in archive.getnames():
                file = archive.extractfile(path)
                assert file
                return file.read()
    raise AssertionError(path)


def test_the_same_input_gives_the_same_image(small: SimpleNamespace, tmp_path: Path) -> None:
    wheels = shutil.copytree(small.wheels, tmp_path / "other" / "wheels")
    base = small.write_base(tmp_path / "base.tar", mtime=1_600_000_000)
    umask = os.umask(0o002)
    try:
        digest = build(small, tmp_path / "image.tar", base=base, wheels=wheels)
    finally:
        os.umask(umask)
    assert digest == small.digest
    pack(small.image, tmp_path / "packed.tar")
    assert (tmp_path / "packed.tar").read_bytes() == (tmp_path / "image.tar").read_bytes()
    assert check_image(tmp_path / "image.tar") == check_image(small.image)


def test_other_code_changes_only_its_layer(small: SimpleNamespace, tmp_path: Path) -> None:
    wheels = shutil.copytree(small.wheels, tmp_path / "wheels")
    (wheel,) = wheels.glob("caikit-*.whl")
    shutil.move(wheel, wheels / "old.zip")
    with zipfile.ZipFile(wheels / "old.zip") as old, zipfile.ZipFile(wheel, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"NAME = 'caikit'", b"NAME = 'CAIKIT'"))
    assert build(small, tmp_path / "image", wheels=wheels) != small.digest
    before, after = read_image(small.image).layers, read_image(tmp_path / "image").layers
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, True, False]


def test_what_is_in_it(small: SimpleNamespace) -> None:
    found = members(small.image)
    assert {(each.uid, each.gid, each.mtime, each.uname) for each in found.values()} == {
        (0, 0, small.epoch, "")
    }
    modes = {name: oct(found[name].mode) for name in ("tmp", "caikit", "usr/bin/su", "opt/caikit")}
    assert modes == {"tmp": "0o1777", "caikit": "0o775", "usr/bin/su": "0o755", "opt/caikit": "0o755"}
    assert "dev/null" not in found
    assert found["usr/bin/other"].linkname == small.python
    assert found["opt/caikit/bin/python3"].linkname == f"/{small.python}"
    assert content(small.image, "opt/caikit/pyvenv.cfg").startswith(b"home = /usr/bin\n")


def test_packages_name_no_time_and_no_folder_of_the_build(small: SimpleNamespace) -> None:
    assert content(small.image, "opt/caikit/bin/tiny").startswith(b"#!/opt/caikit/bin/python3\n")
    assert b"bin/tiny" not in content(small.image, f"{SITE_PACKAGES}/tiny-1.0.dist-info/RECORD")
    tag = sys.implementation.cache_tag
    compiled = content(small.image, f"{SITE_PACKAGES}/caikit/__pycache__/__init__.{tag}.pyc")
    assert compiled[4:8] == b"\1\0\0\0"  # valid for the source, whatever its time
    assert f"/{SITE_PACKAGES}/caikit/__init__.py".encode() in compiled
    assert str(small.image.parent).encode() not in compiled


def test_how_it_is_run(small: SimpleNamespace) -> None:
    image = check_image(small.image)
    config = image["config"]
    assert config["Entrypoint"] == ["/opt/caikit/bin/python3", "-m", "caikit.runtime"]
    assert config["Healthcheck"]["Test"][1:] == ["/opt/caikit/bin/python3", "-m", "caikit_health_probe"]
    assert config["Healthcheck"]["Interval"] == 10 * 10**9
    assert (config["User"], config["StopSignal"], config["WorkingDir"]) == ("1001:0", "SIGTERM", "/caikit")
    assert set(config["ExposedPorts"]) == {"8080/tcp", "8085/tcp", "8086/tcp"}
    assert set(config["Volumes"]) == {"/caikit"}
    assert "RUNTIME_VERSION_INFO_RUNTIME_IMAGE=caikit-runtime:1.0" in config["Env"]
    assert config["Labels"]["org.opencontainers.image.version"] == "1.0"
    assert image["created"] == "2023-11-14T22:13:20Z"
    manifest = json.loads((small.image / blob_path(small.digest)).read_bytes())
    listed = [line.split()[0] for line in manifest["annotations"]["caikit.wheels"].splitlines()]
    assert listed == ["caikit==1.0", "tiny==1.0"]


def test_an_image_is_a_base(small: SimpleNamespace, tmp_path: Path) -> None:
    build(small, tmp_path / "image", base=small.image)
    image = check_image(tmp_path / "image")
    below = read_image(small.image)
    assert read_image(tmp_path / "image").layers[:3] == below.layers
    names = [entry.partition("=")[0] for entry in image["config"]["Env"]]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"requirements": "caikit missing-package"}, "missing-package"),
        ({"requirements": "tiny"}, "expected requirements that bring caikit, found tiny"),
        ({"python": "usr/bin/python3.1"}, r"expected a base with Python 3\.\d+, .* found 3\.1$"),
        ({"python": "usr/bin/perl"}, "found none"),
    ],
)
def test_what_cannot_become_an_image(
    small: SimpleNamespace, tmp_path: Path, others: dict[str, str], message: str
) -> None:
    if python := others.pop("python", None):
        others = {"base": small.write_base(tmp_path / "base.tar", python)}
    with pytest.raises(ValueError, match=message):
        build(small, tmp_path / "image", **others)
    assert [path.name for path in tmp_path.iterdir() if path.name != "base.tar"] == []


def damage_layer(layout: Path, manifest: dict[str, Any]) -> None:
    path = layout / blob_path(manifest["layers"][-1]["digest"])
    path.write_bytes(path.read_bytes()[:-1])


def damage_config(layout: Path, manifest: dict[str, Any]) -> None:
    path = layout / blob_path(manifest["config"]["digest"])
    path.write_bytes(path.read_bytes().replace(b"linux", b"Linux"))


def remove_version(layout: Path, _: dict[str, Any]) -> None:
    (layout / "oci-layout").write_text("{}")


def add_image(layout: Path, _: dict[str, Any]) -> None:
    path = layout / "index.json"
    index = json.loads(path.read_bytes())
    path.write_text(json.dumps(index | {"manifests": index["manifests"] * 2}))


def other_content(layout: Path, manifest: dict[str, Any]) -> None:
    path = layout / blob_path(manifest["layers"][0]["digest"])
    path.write_bytes(bytes(path.stat().st_size))


def add_type(layout: Path, _: dict[str, Any]) -> None:
    path = layout / "index.json"
    path.write_bytes(path.read_bytes().replace(b"manifest.v1+json", b"manifest.v9+json"))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_layer, "size of layer 2"),
        (damage_config, "digest of application/vnd.oci.image.config"),
        (remove_version, "oci-layout"),
        (add_type, "mediaType of the manifest"),
        (add_image, "number of images in index.json: expected 1, found 2"),
        (other_content, "is no image: error Error -3 while decompressing"),
    ],
)
def test_damage_is_found(
    small: SimpleNamespace,
    tmp_path: Path,
    damage: Callable[[Path, dict[str, Any]], None],
    message: str,
) -> None:
    layout = shutil.copytree(small.image, tmp_path / "image")
    damage(layout, json.loads((layout / blob_path(small.digest)).read_bytes()))
    with pytest.raises(ValueError, match=message):
        check_image(layout)


def test_the_command_line(small: SimpleNamespace, tmp_path: Path) -> None:
    options = ["--base", small.base, "--wheels", small.wheels, "--requirements", "caikit"]
    made = command("image", "caikit-runtime", *options, "--output", tmp_path / "image.tar")
    assert made.stdout == f"{tmp_path / 'image.tar'} {small.digest}\n"
    checked = command("check", tmp_path / "image.tar")
    assert json.loads(checked.stdout)["User"] == "1001:0"
    for name in ("nothing.tar", "base.tar"):
        refused = command("check", small.base.parent / name, code=1)
        assert name in refused.stderr
        assert "Traceback" not in refused.stderr


def command(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [sys.executable, "-m", "images", *arguments],
        cwd=ROOT,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1700000000"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert result.returncode == code, result.stderr
    return result
