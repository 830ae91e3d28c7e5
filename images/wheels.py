"""Gathers the wheels of an image: those of this repository, and those that they need, from a package index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGES = Path(__file__).parents[1] / "packages"


def gather_wheels(requirements: str, target: Path, *, epoch: int) -> None:
    """Into a folder; third-party wheels that are there are used again."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="caikit-images-") as folder:
        ours = {name: _built(name, Path(folder), epoch) for name in _our_packages(requirements)}
        for name in ours:
            for outdated in target.glob(f"{name.replace('-', '_')}-*.whl"):
                outdated.unlink()
        # By their files, since an index may have packages of the same names.
        wanted = [f"{name} @ {file}" for name, file in ours.items()]
        for requirement in requirements.split():
            file = ours.get(_name(requirement))
            wanted.append(f"{requirement} @ {file}" if file else requirement)
        _pip_wheel(f"--find-links={target}", *wanted, target=target, epoch=epoch)


def _our_packages(requirements: str) -> list[str]:
    names = {"caikit", *map(_name, requirements.split())}
    return sorted(name for name in names if (PACKAGES / name).is_dir())


def _name(requirement: str) -> str:
    return requirement.partition("[")[0]


def _built(name: str, folder: Path, epoch: int) -> str:
    """The address of a wheel of a package; built in a copy, since a build leaves files behind that the next one takes."""
    source = folder / name
    ignored = shutil.ignore_patterns("build", "*.egg-info", "__pycache__", "tests")
    shutil.copytree(PACKAGES / name, source, ignore=ignored)
    # Wheels keep the rights of files, which the umask of a checkout decides.
    for path in source.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    _pip_wheel("--no-deps", str(source), target=source, epoch=epoch)
    (wheel,) = source.glob("*.whl")
    return wheel.as_uri()


def _pip_wheel(*arguments: str, target: Path, epoch: int) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(epoch)}
    subprocess.run([*command, f"--wheel-dir={target}", *arguments], env=environment, umask=0o022, check=True)
