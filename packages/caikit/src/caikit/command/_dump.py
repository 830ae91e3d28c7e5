"""`caikit dump`: write the interface files of a library."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from caikit.runtime._dump_arguments import add_arguments

from ._output import Output
from ._parser import add_command, add_library_options

if TYPE_CHECKING:
    from ._parser import Subparsers


def add_to(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "dump",
        run,
        summary="write the interface files of a library: .proto and openapi.json",
        examples=[
            ("caikit dump interfaces", "one .proto file per object, and openapi.json"),
            ("caikit dump interfaces --consolidate-packages --clean", "one per package, in an empty folder"),
            ("caikit dump interfaces --lock fields.lock --write-lock", "note which number every field has"),
            (
                "caikit dump --lock fields.lock --check-lock",
                "exit code 1 if it is not the interface of the lock",
            ),
        ],
    )
    add_arguments(parser)
    add_library_options(parser)


def run(options: argparse.Namespace) -> None:
    from caikit.runtime import dump_services

    from ._library import use_library

    if options.output_dir is None and not options.check_lock:
        options.parser.error("the following arguments are required: output_dir")
    folder = Path(options.output_dir or ".").absolute()
    if options.lock:
        options.lock = str(Path(options.lock).absolute())
    use_library(options)
    options.output_dir = str(folder)
    dump_services.run(options, options.parser)
    files = sorted(path.name for path in folder.iterdir() if path.is_file())
    output = Output(options)
    if output.is_json:
        output.document({"folder": str(folder), "files": files})
    else:
        output.line(f"Wrote {len(files)} files into {folder}")
