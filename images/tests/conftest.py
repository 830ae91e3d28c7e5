"""A base and wheels of a few files, and the image that they make."""

from __future__ import annotations

import base64
import hashlib
import io
import sys
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from images.build import build_image

EPOCH = 1_700_000_000
PYTHON = f"usr/bin/python3.{sys.version_info.minor}"
COMMAND = "[console_scripts]\ntiny = tiny:main\n"


def write_wheel(folder: Path, name: str, files: dict[str, str], requires: str = "") -> None:
    info = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    files = files | {
        f"{info}/METADATA": metadata + (f"Requires-Dist: {requires}\n" if requires else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},{_record_hash(text)},{len(text)}\n" for path, text in files.items())
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for path, text in (files | {f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}).items():
            archive.writestr(path, text)


def write_base(target: Path, python: str = PYTHON, mtime: int = 0) -> Path:
    members = [
        ("./", tarfile.DIRTYPE, 0o755, ""),
        ("./dev/null", tarfile.CHRTYPE, 0o666, ""),
        ("./tmp", tarfile.DIRTYPE, 0o1777, ""),
        ("./usr/bin/su", tarfile.REGTYPE, 0o4755, ""),
        (f"./{python}", tarfile.REGTYPE, 0o755, ""),
        ("./usr/bin/other", tarfile.LNKTYPE, 0o755, f"./{python}"),
        ("./usr/bin/python3", tarfile.SYMTYPE, 0o777, Path(python).name),
    ]
    with tarfile.open(target, "w") as archive:
        for name, kind, mode, link in members:
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.linkname, info.mtime = kind, mode, link, mtime
            info.size = 3 if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(b"ELF") if info.size else None)
    return target


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """What is needed to make a small image, and the image."""
    folder = tmp_path_factory.mktemp("small")
    wheels = folder / "wheels"
    wheels.mkdir()
    write_wheel(wheels, "caikit", {"caikit/__init__.py": "NAME = 'caikit'\n"}, requires="tiny>=1")
    tiny = {"tiny/__init__.py": "def main() -> None: ...\n", "tiny-1.0.dist-info/entry_points.txt": COMMAND}
    write_wheel(wheels, "tiny", tiny)
    base = write_base(folder / "base.tar")
    image = folder / "image"
    digest = build_image(
        "caikit-runtime", base=base, wheels=wheels, target=image, epoch=EPOCH, requirements="caikit"
    )
    return SimpleNamespace(
        base=base,
        wheels=wheels,
        image=image,
        digest=digest,
        epoch=EPOCH,
        python=PYTHON,
        write_base=write_base,
    )


def _record_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).decode().rstrip("=")
