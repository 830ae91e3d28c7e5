"""The command line: `python -m images COMMAND`, from the root of the repository."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

from .build import NAMES, build_image, requirements_of
from .check import check_image
from .debian import build_base
from .wheels import gather_wheels

DIST = Path("dist/images")
# Archives of wheels know no time before this one.
_EARLIEST = 315_532_800


def main() -> None:
    options = _parser().parse_args()
    epoch = max(_EARLIEST, int(os.environ.get("SOURCE_DATE_EPOCH") or 0))
    try:
        match options.command:
            case "wheels":
                requirements = options.requirements or requirements_of(options.name)
                gather_wheels(requirements, options.wheels, epoch=epoch)
            case "base":
                build_base(options.base, mirror=options.mirror, epoch=epoch)
            case "image":
                target = options.output or DIST / f"{options.name}.tar"
                digest = build_image(
                    options.name,
                    base=options.base,
                    wheels=options.wheels,
                    target=target,
                    epoch=epoch,
                    requirements=options.requirements,
                )
                print(f"{target} {digest}")
            case "check":
                print(json.dumps(check_image(options.image)["config"], indent=2))
    except (ValueError, OSError, tarfile.TarError, subprocess.CalledProcessError) as error:
        sys.exit(f"images: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m images", description="Build container images from wheels, without a container engine."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    wheels = commands.add_parser(
        "wheels", help="build our wheels; gather those that they need from a package index"
    )
    base = commands.add_parser("base", help="make a base of Debian packages")
    image = commands.add_parser("image", help="make an image")
    check = commands.add_parser("check", help="hold an image against the specification; print how it is run")
    for command in (wheels, image):
        command.add_argument("name", choices=NAMES)
        command.add_argument("--requirements", help="other packages and extras than the Containerfile has")
        command.add_argument("--wheels", type=Path, default=DIST / "wheels", help="default: %(default)s")
    for command in (base, image):
        command.add_argument("--base", type=Path, default=DIST / "base.tar", help="default: %(default)s")
    base.add_argument("--mirror", default="http://deb.debian.org/debian", help="default: %(default)s")
    image.add_argument("--output", type=Path, help="a folder, or a file that ends with .tar")
    check.add_argument("image", type=Path, help="a folder, or a file")
    return parser


if __name__ == "__main__":
    main()
