"""Python packages of an image: installed from wheels into a folder, the same each time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = "opt/caikit"
SITE_PACKAGES = f"{ENVIRONMENT}/lib/python3.{sys.version_info.minor}/site-packages"


@dataclass(frozen=True, order=True)
class Wheel:
    """A wheel that is installed."""

    name: str
    version: str
    sha256: str

    @property
    def is_ours(self) -> bool:
        return self.name.startswith("caikit")


def resolve(requirements: str, wheels: Path) -> list[Wheel]:
    """What has to be installed; everything must be in the folder of wheels."""
    report = json.loads(
        _pip("--dry-run", "--ignore-installed", "--report=-", f"--find-links={wheels}", *requirements.split())
    )
    return sorted(
        Wheel(
            item["metadata"]["name"],
            item["metadata"]["version"],
            item["download_info"]["archive_info"]["hashes"]["sha256"],
        )
        for item in report["install"]
    )


def install(packages: list[Wheel], wheels: Path, root: Path) -> None:
    """Into the environment below the root, compiled."""
    site_packages = root / SITE_PACKAGES
    site_packages.mkdir(parents=True)
    named = [f"{wheel.name}=={wheel.version}" for wheel in packages]
    _pip("--no-deps", "--no-compile", f"--target={site_packages}", f"--find-links={wheels}", *named)
    _move_commands(root)
    _compile(site_packages, root)


def write_environment(root: Path, python: Path) -> None:
    """What makes the folder a virtual environment of the Python of the image."""
    environment = root / ENVIRONMENT
    (environment / "bin").mkdir(parents=True, exist_ok=True)
    version = f"3.{sys.version_info.minor}"
    (environment / "pyvenv.cfg").write_text(
        f"home = {python.parent}\ninclude-system-site-packages = false\nversion = {version}\n"
    )
    (environment / "bin" / "python3").symlink_to(python)
    for name in ("python", f"python{version}"):
        (environment / "bin" / name).symlink_to("python3")


def _compile(folder: Path, root: Path) -> None:
    """Into files that name no time and no folder of this machine; what is there for other Pythons stays as it is."""
    command = [sys.executable, "-m", "compileall", "-qq", "--invalidation-mode=unchecked-hash"]
    subprocess.run(
        [*command, "-s", str(root), "-p", "/", str(folder)],
        env=os.environ | {"PYTHONHASHSEED": "0"},
        check=False,
    )


def _move_commands(root: Path) -> None:
    """To the other commands of the environment; pip wrote the Python of this machine into them."""
    source = root / SITE_PACKAGES / "bin"
    if not source.is_dir():
        return
    target = root / ENVIRONMENT / "bin"
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        content = path.read_bytes()
        if content.startswith(b"#!") and b"python" in content.partition(b"\n")[0]:
            path.write_bytes(f"#!/{ENVIRONMENT}/bin/python3\n".encode() + content.partition(b"\n")[2])
        shutil.move(path, target / path.name)
    source.rmdir()
    for record in (root / SITE_PACKAGES).glob("*.dist-info/RECORD"):
        lines = record.read_text().splitlines(keepends=True)
        record.write_text("".join(line for line in lines if not line.startswith("../../bin/")))


def _pip(*arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    result = subprocess.run(
        [*command, *arguments],
        env=environment | {"PIP_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise ValueError(f"pip cannot install {' '.join(arguments[-3:])}: {result.stderr.strip()[-2000:]}")
    return result.stdout
