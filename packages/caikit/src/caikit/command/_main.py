"""From the command line to a command, and from what became of it to an exit code."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence

from caikit.version import __version__

from . import _call, _dump, _jobs, _models, _new, _serve, _tasks, _train
from ._errors import FAILED, INTERRUPTED, PIPE_CLOSED, WRONG_USAGE, CommandError
from ._parser import add_general_options
from ._terminal import is_terminal, styled, visible

_COMMANDS = (_new, _serve, _models, _tasks, _call, _train, _jobs, _dump)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name (by default those of the process); returns an exit code.

    0: done; 1: failed; 2: the arguments are wrong; 130: interrupted; 141: nobody reads the output any more.
    `SystemExit` after `--help` and wrong arguments.
    """
    _allow_all_characters()
    parser = _make_parser()
    options = _parse(parser, arguments)
    if not hasattr(options, "run"):
        parser.print_help(sys.stderr)
        return WRONG_USAGE
    try:
        _set_up_logging(options)
        options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        if is_terminal(sys.stderr):
            sys.stderr.write("\n")
        return INTERRUPTED
    except BrokenPipeError:
        _forget_output()
        return PIPE_CLOSED
    except Exception as problem:
        if getattr(options, "debug", False):
            raise
        return _report(f"caikit {options.command}", problem)
    return 0


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="caikit",
        description="Typed, trainable AI services: make a library, serve it, call it, train it.",
        epilog="caikit COMMAND --help shows the options of a command and examples.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"caikit {__version__}")
    add_general_options(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for command in _COMMANDS:
        command.add_to(commands)
    return parser


def _parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    options, rest = parser.parse_known_args(arguments)
    # argparse takes values on one side of an option only; ours may stand on both.
    if rest and hasattr(options, "values"):
        unknown = [each for each in rest if each.startswith("-")]
        options.values.extend(each for each in rest if not each.startswith("-"))
    else:
        unknown = rest
    if unknown:
        getattr(options, "parser", parser).error(f"unrecognized arguments: {' '.join(unknown)}")
    return options


def _report(command: str, problem: Exception) -> int:
    mark = styled("error:", "red", sys.stderr)
    sentence = " ".join(_sentence(problem).split())
    sys.stderr.write(f"{command}: {mark} {visible(sentence)}\n")
    return problem.code if isinstance(problem, CommandError) else FAILED


def _sentence(problem: Exception) -> str:
    if isinstance(problem, CommandError):
        return str(problem)
    status = getattr(getattr(problem, "status_code", None), "name", None)
    if status is not None:
        return f"{problem} ({status})"
    if isinstance(problem, OSError) and problem.strerror:
        return f"{problem.strerror}: {problem.filename}" if problem.filename else problem.strerror
    if _speaks_for_itself(problem) and str(problem):
        return str(problem)
    return f"{type(problem).__name__}: {problem} (--debug shows where it comes from)"


def _speaks_for_itself(problem: Exception) -> bool:
    """Whether the text says all; a subclass of RuntimeError is a mistake of a program, such as endless recursion."""
    if isinstance(problem, OSError | ImportError | ValueError) or type(problem) is RuntimeError:
        return True
    from caikit.config._errors import ConfigContentError

    return isinstance(problem, ConfigContentError)


def _set_up_logging(options: argparse.Namespace) -> None:
    """Errors are told once, by the command; the log is for those who look for a reason, and for servers."""
    if options.run is _serve.run:
        return  # it has a log in any case, as soon as its settings are known
    if getattr(options, "debug", False):
        from caikit.core.toolkit import logging as caikit_logging

        caikit_logging.configure()
    else:
        from ._doubts import tell_doubts

        tell_doubts()


def _allow_all_characters() -> None:
    """What the encoding of the output lacks is shown as its number."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # replaced streams


def _forget_output() -> None:
    """Else Python would try, and complain, once more at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
