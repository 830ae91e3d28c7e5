"""`caikit tasks`: what a server, or a library, offers."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ._errors import UsageError
from ._output import Output
from ._parser import add_command, add_library_options, add_server_options

if TYPE_CHECKING:
    from ._parser import Subparsers
    from ._rpc import Rpc
    from ._types import Field


def add_to(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "tasks",
        run,
        summary="list tasks and RPCs, with their inputs and outputs",
        description="List the tasks and trainings of a running server, or of a library; with the name of one, all of "
        "its parameters, and the fields of its data objects.",
        examples=[
            ("caikit tasks", "what a local server offers"),
            ("caikit tasks text_mood", "the inputs and parameters of TextMoodTask"),
            ("caikit tasks --all --json", "all RPCs, with those of jobs and management, as JSON"),
            ("caikit tasks --local", "what the library in this folder would offer"),
        ],
    )
    add = parser.add_argument
    add("task", nargs="?", metavar="TASK", help="name of a task, a module to train, or an RPC")
    add("-a", "--all", action="store_true", help="list the RPCs of jobs and of management, too")
    add("--local", action="store_true", help="ask the library instead of a server")
    add_library_options(parser)
    add_server_options(parser)


def run(options: argparse.Namespace) -> None:
    rpcs, place = _offered(options)
    output = Output(options)
    if options.task:
        rpc = _find(rpcs, options.task, place)
        if output.is_json:
            objects = {
                name: {field.name: str(field.type) for field in fields}
                for name, fields in _objects(rpc).items()
            }
            output.document({**_described(rpc), "data_objects": objects})
        else:
            _show(rpc, output)
        return
    shown = [rpc for rpc in rpcs if options.all or rpc.kind in ("task", "training")]
    if output.is_json:
        output.document([_described(rpc) for rpc in shown])
    elif shown:
        rows = [[rpc.kind, _called(rpc), _signature(rpc), _result(rpc)] for rpc in shown]
        output.table(["KIND", "NAME", "INPUTS [PARAMETERS]", "OUTPUT"], rows)
    else:
        output.line(f"{place} offers no tasks.")


def _offered(options: argparse.Namespace) -> tuple[list[Rpc], str]:
    if options.local:
        from ._library import use_library
        from ._library_rpcs import library_rpcs

        name = use_library(options)
        return library_rpcs(), f"Library {name}"
    if options.library or options.config:
        raise UsageError("--library and --config go with --local: a server has its own")
    from ._server import open_server

    server = open_server(options)
    return sorted(server.rpcs(), key=_order), server.name


def _order(rpc: Rpc) -> tuple[int, str, str]:
    return ("task", "training", "job", "other").index(rpc.kind), rpc.task, rpc.name


def _find(rpcs: list[Rpc], name: str, place: str) -> Rpc:
    from ._errors import CommandError
    from ._rpc import find_rpc, find_training

    try:
        return find_rpc(rpcs, name, server=place)
    except CommandError:
        try:
            return find_training(rpcs, name, server=place)
        except CommandError:
            pass
        raise


def _called(rpc: Rpc) -> str:
    """The shortest name that `caikit call` and `caikit train` take."""
    if rpc.kind == "task" and not rpc.streams:
        return rpc.task
    return rpc.name.removesuffix("Train") if rpc.kind == "training" else rpc.name


def _parameters(rpc: Rpc) -> list[Field]:
    """Those that are typed as NAME=VALUE."""
    from ._train import parameter_fields

    return list(parameter_fields(rpc).values()) if rpc.kind == "training" else list(rpc.inputs)


def _signature(rpc: Rpc) -> str:
    fields = _parameters(rpc)
    required = [f"{field.name}: {field.type}" for field in fields if field.required]
    others = [f"{field.name}: {field.type}" for field in fields if not field.required]
    signature = " ".join(filter(None, [", ".join(required), f"[{', '.join(others)}]" if others else ""]))
    return f"stream of ({signature})" if rpc.input_streaming else signature


def _result(rpc: Rpc) -> str:
    return f"stream of {rpc.output}" if rpc.output_streaming else str(rpc.output)


def _show(rpc: Rpc, output: Output) -> None:
    details = {"RPC": f"{rpc.service}/{rpc.name}".strip("/"), "Output": _result(rpc)}
    if rpc.input_streaming:
        details["Input"] = "a stream of requests with these fields"
    output.details(details)
    rows = [
        [field.name, _described_type(field), "required" if field.required else ""]
        for field in _parameters(rpc)
    ]
    if rows:
        output.line()
        output.table(["NAME", "TYPE", ""], rows)
    objects = [
        [name if index == 0 else "", field.name, _described_type(field)]
        for name, fields in _objects(rpc).items()
        for index, field in enumerate(fields)
    ]
    if objects:
        output.line()
        output.table(["DATA OBJECT", "FIELD", "TYPE"], objects)


def _objects(rpc: Rpc) -> dict[str, list[Field]]:
    """The data objects that go in and out, and those inside of them, with their fields."""
    from ._types import messages_in

    types = [*(field.type for field in _parameters(rpc)), rpc.output]
    return {str(message): list(message.fields.values()) for message in messages_in(types)}


def _described_type(field: Field) -> str:
    from ._types import Enum

    if isinstance(field.type, Enum):
        return f"{field.type}: {', '.join(field.type.values)}"
    return str(field.type)


def _described(rpc: Rpc) -> dict[str, Any]:
    return {
        "kind": rpc.kind,
        "name": rpc.name,
        "service": rpc.service,
        "task": rpc.task if rpc.kind in ("task", "job") else None,
        "inputs": [
            {"name": field.name, "type": str(field.type), "required": field.required}
            for field in _parameters(rpc)
        ],
        "output": str(rpc.output),
        "input_streaming": rpc.input_streaming,
        "output_streaming": rpc.output_streaming,
    }
