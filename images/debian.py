"""A base image without a registry: Debian packages, Python among them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

# The release that has the Python that this runs with.
_RELEASES = {11: "bookworm", 13: "trixie"}
_LEFT_OUT = ("doc/*", "man/*", "info/*", "locale/*")


def build_base(target: Path, *, mirror: str, epoch: int) -> None:
    """Write the root file system as an archive; the same each time, as long as the mirror has the same packages."""
    if shutil.which("mmdebstrap") is None:
        raise ValueError(
            "mmdebstrap is needed: apt-get install mmdebstrap; or build on another base with --base"
        )
    minor = sys.version_info.minor
    if minor not in _RELEASES:
        known = " or ".join(f"3.{each}" for each in _RELEASES)
        raise ValueError(f"expected Python {known}, which Debian has, found 3.{minor}; or build with --base")
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.unfinished")
    command = [
        *(
            "mmdebstrap",
            "--quiet",
            "--format=tar",
            "--variant=essential",
            "--include=ca-certificates,libstdc++6,python3",
        ),
        *(f"--dpkgopt=path-exclude=/usr/share/{each}" for each in _LEFT_OUT),
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        *(_RELEASES[minor], str(unfinished), mirror),
    ]
    subprocess.run(command, env=os.environ | {"SOURCE_DATE_EPOCH": str(epoch)}, check=True)
    unfinished.rename(target)
