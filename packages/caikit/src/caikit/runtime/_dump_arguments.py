"""The arguments of commands that write interface files; known before anything is imported that it takes."""

from __future__ import annotations

import argparse

__all__ = ["add_arguments"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("output_dir", nargs="?", help="folder for the files; made if it does not exist")
    parser.add_argument(
        "-j", "--write-modules-json", action="store_true", help="also write the list of served modules"
    )
    parser.add_argument("-c", "--clean", action="store_true", help="remove the folder first")
    parser.add_argument(
        "-p",
        "--consolidate-packages",
        action="store_true",
        help="one file per package instead of one per object",
    )
    parser.add_argument(
        "--lock",
        metavar="FILE",
        help="the lock of the interface, in place of "
        "runtime.service_generation.backwards_compatibility.lock_path",
    )
    parser.add_argument("--write-lock", action="store_true", help="also write the lock")
    parser.add_argument(
        "--check-lock",
        action="store_true",
        help="write nothing; exit with 1 if the interface is not the one of the lock",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="exit with 1 if a parameter, a module or an RPC had to be left out",
    )
