"""How the arguments of all commands are described."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

Run = Callable[[argparse.Namespace], None]

DEFAULT_TIMEOUT = 60.0
_WIDTH = 78
_LIBRARY_OF_EXAMPLES = "The library of the examples is the one that `caikit new text-mood` makes."


def add_command(
    commands: Subparsers,
    name: str,
    run: Run,
    *,
    summary: str,
    description: str = "",
    examples: Sequence[tuple[str, str]] = (),
) -> argparse.ArgumentParser:
    """A command with help; examples are command lines with what they do."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=_wrap(description or f"{summary[0].upper()}{summary[1:]}."),
        epilog=_render_examples(examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run, parser=parser)
    add_general_options(parser)
    return parser


def add_general_options(parser: argparse.ArgumentParser) -> None:
    """Options that may stand before and after the name of the command."""
    parser.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print JSON, as is done where the output is no terminal",
    )
    parser.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show where an error comes from"
    )


def add_server_options(parser: argparse.ArgumentParser, *, timeout: float | None = DEFAULT_TIMEOUT) -> None:
    """Which server to ask, and how."""
    group = parser.add_argument_group("server")
    add = group.add_argument
    add(
        "-s",
        "--server",
        metavar="ADDRESS",
        default=argparse.SUPPRESS,
        help="host:port, or grpc://, grpcs://, http:// or https:// with it (default: $CAIKIT_SERVER, or "
        "localhost with the port of the configuration)",
    )
    add("--http", action="store_true", default=argparse.SUPPRESS, help="ask over HTTP instead of gRPC")
    add("--tls", action="store_true", default=argparse.SUPPRESS, help="encrypt the connection")
    add("--ca", metavar="FILE", default=argparse.SUPPRESS, help="certificate authority of the server (PEM)")
    add("--cert", metavar="FILE", default=argparse.SUPPRESS, help="own certificate (PEM), with --key")
    add("--key", metavar="FILE", default=argparse.SUPPRESS, help="own private key (PEM), with --cert")
    add(
        "--insecure",
        action="store_true",
        default=argparse.SUPPRESS,
        help="trust any certificate (HTTP only)",
    )
    add(
        "-H",
        "--header",
        metavar="NAME=VALUE",
        action="append",
        default=argparse.SUPPRESS,
        help="send this header (HTTP) or metadata (gRPC), too; may be repeated",
    )
    add(
        "--token-file",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="file with a bearer token to send (default: $CAIKIT_TOKEN_FILE)",
    )
    waits = "for ever" if timeout is None else f"{timeout:g}"
    add(
        "--timeout",
        metavar="SECONDS",
        type=positive_seconds,
        default=argparse.SUPPRESS,
        help=f"how long to wait for an answer (default: {waits})",
    )


def add_progress_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--progress",
        action="store_true",
        help="print the progress while waiting, a JSON line for each change",
    )


def add_library_options(parser: argparse.ArgumentParser, *, positional: bool = False) -> None:
    """Which library to import, and its configuration."""
    meaning = "name or path of the library (default: the configured one, or the one in this folder)"
    if positional:
        parser.add_argument("library", nargs="?", metavar="LIBRARY", help=meaning)
    else:
        parser.add_argument("-l", "--library", metavar="LIBRARY", help=meaning)
    parser.add_argument(
        "--config",
        metavar="FILE",
        action="append",
        default=[],
        help="YAML file with settings, on top of those in $CONFIG_FILES; may be repeated",
    )


def positive_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"expected seconds greater than 0, got {text!r}")
    return seconds


def port_number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, got {text!r}")
    return int(text)


def _wrap(text: str) -> str:
    """Paragraphs broken into lines; the formatter leaves them alone for the sake of the examples."""
    return "\n\n".join(textwrap.fill(paragraph, _WIDTH) for paragraph in text.split("\n\n"))


def _render_examples(examples: Sequence[tuple[str, str]]) -> str | None:
    if not examples:
        return None
    lines = [f"  {command}\n      {meaning}" for command, meaning in examples]
    return "\n".join(["examples:", *lines, "", _LIBRARY_OF_EXAMPLES])
