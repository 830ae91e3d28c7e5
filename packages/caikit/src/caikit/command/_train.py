"""`caikit train`: train a module, on a server or here."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING, Any

from ._errors import CommandError, UsageError
from ._output import Output, note
from ._parser import (
    add_command,
    add_library_options,
    add_progress_option,
    add_server_options,
    positive_seconds,
)

if TYPE_CHECKING:
    from ._jobs import Part
    from ._parser import Subparsers
    from ._rpc import Rpc
    from ._types import Field

_DATA = (
    "NAME=VALUE gives one parameter of the module's train method, in the forms that `caikit call` takes. Where that "
    "wants a stream of training data, NAME=FILE names a file on the machine that trains, NAME=@FILE sends the content "
    "of a file from here (.jsonl, .json or .csv), and JSON may name folders or several files."
)


def add_to(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "train",
        run,
        summary="train a module, on a server or here",
        description=f"Train a module, on a server or here.\n\n{_DATA}",
        examples=[
            (
                "caikit train TextMoodModule -m mine training_data=data/train.jsonl --wait",
                "train on a local server",
            ),
            (
                "caikit train TextMoodModule -m mine training_data=@data/train.jsonl",
                "send the data from here; the answer is the id of the job",
            ),
            (
                "ID=$(caikit train TextMoodModule -m mine training_data=data/train.jsonl -f training_id)",
                "keep the id",
            ),
            (
                "caikit train TextMoodModule -m here training_data=data/train.jsonl --local",
                "without a server",
            ),
        ],
    )
    add = parser.add_argument
    add(
        "module",
        metavar="MODULE",
        help="name of the class of the module, or of its train RPC; here also its id",
    )
    add("values", metavar="NAME=VALUE", nargs="*", help="parameters")
    add("-m", "--model", metavar="NAME", help="name of the model that comes out")
    add(
        "-d",
        "--data",
        metavar="JSON",
        help="the parameters as JSON, or @FILE with it, or - for standard input",
    )
    add("-f", "--field", metavar="PATH", help="of the answer, only this part, such as training_id")
    add("-w", "--wait", action="store_true", help="wait for the end; exit code 0 if it has succeeded")
    add(
        "--patience",
        metavar="SECONDS",
        type=positive_seconds,
        help="how long to wait for its end (default: for ever)",
    )
    add_progress_option(parser)
    add_server_options(parser)
    local = parser.add_argument_group("here")
    local.add_argument(
        "--local", action="store_true", help="train in this process, without a server, and wait"
    )
    local.add_argument(
        "--output-dir",
        metavar="DIR",
        help="where the model's folder is put (default: runtime.training.output_dir of the configuration)",
    )
    add_library_options(parser)


def run(options: argparse.Namespace) -> None:
    if options.local:
        from ._local_training import train_here

        train_here(options)
        return
    if options.library or options.config or options.output_dir:
        raise UsageError("--library, --config and --output-dir go with --local: a server has its own")
    _train_there(options)


def _train_there(options: argparse.Namespace) -> None:
    from ._jobs import Training, show_end, show_status, wait_for
    from ._rpc import find_training
    from ._server import open_server

    server = open_server(options)
    rpc = find_training(server.rpcs(), options.module, server=server.name)
    request: dict[str, Any] = {"parameters": read_parameters(parameter_fields(rpc), options)}
    if options.model:
        request["model_name"] = options.model
    answer = next(server.call(rpc, [request], None))
    output = Output(options)
    training_id = answer.get("training_id") if isinstance(answer, dict) else None
    if not isinstance(training_id, str):
        raise CommandError(f"expected a training_id as the answer of {rpc.name}")
    if not (options.wait or options.progress):
        show_status(output, answer, part_of(options))
        return
    note(f"Training {training_id} has started")
    lines = output if options.progress else None
    show_end(output, wait_for(Training(server, training_id), options.patience, lines), part_of(options))


def part_of(options: argparse.Namespace) -> Part | None:
    """Shows what `--field` names; None without it."""
    from ._answers import show_part

    if options.field is None:
        return None
    return partial(show_part, path=options.field, as_json=getattr(options, "json", False))


def parameter_fields(rpc: Rpc) -> dict[str, Field]:
    from ._types import Message

    parameters = rpc.fields.get("parameters")
    return parameters.type.fields if parameters and isinstance(parameters.type, Message) else {}


def read_parameters(fields: dict[str, Field], options: argparse.Namespace) -> dict[str, Any]:
    """The parameters that the arguments of the command stand for."""
    from ._arguments import read_assignments
    from ._call import read_data

    parameters = {**read_data(options.data), **read_assignments(fields, options.values)}
    missing = [name for name, field in fields.items() if not _is_given(field, parameters)]
    if missing:
        what = "parameter" if len(missing) == 1 else "parameters"
        raise UsageError(f"Missing required {what}: {', '.join(map(repr, missing))}")
    return parameters


def _is_given(field: Field, parameters: dict[str, Any]) -> bool:
    """Or may be left out, as lists and maps may: they are empty then."""
    from ._types import ListOf, MapOf, Union, list_in

    if not field.required or isinstance(field.type, ListOf | MapOf | Union) or list_in(field.type):
        return True
    first, *others = field.name.split("_")
    return field.name in parameters or first + "".join(map(str.capitalize, others)) in parameters
