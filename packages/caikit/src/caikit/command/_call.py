"""`caikit call`: call a task of a running server."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ._errors import UsageError
from ._parser import add_command, add_server_options

if TYPE_CHECKING:
    from ._parser import Subparsers
    from ._rpc import Rpc

_VALUES = (
    "NAME=VALUE gives one input or parameter; its type decides how the value is read. NAME.FIELD=VALUE reaches into "
    "objects, the same NAME again adds to a list, NAME=@FILE takes the content of a file (NAME=@- of standard "
    "input), NAME=@@TEXT a text that begins with @. Objects and lists may be JSON."
)


def add_to(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "call",
        run,
        summary="call a task, or any RPC, of a running server",
        description=f"Call a task, or any RPC, of a running server. The library is not needed here.\n\n{_VALUES}",
        examples=[
            (
                "caikit call text_mood --model text_mood text_input.text='a nice sunny day'",
                "call TextMoodTask of a local server",
            ),
            (
                'caikit call text_mood -m text_mood --data \'{"text_input": {"text": "hi"}, "most": 2}\'',
                "the same with JSON",
            ),
            (
                "caikit call text_mood -m text_mood text_input.text=@README.md -o answer.json",
                "send the content of a file, save the answer",
            ),
            (
                "echo 'a cold day' | caikit call text_mood -m text_mood text_input.text=@- -f classes.0.class_name",
                "text from standard input, a part of the answer",
            ),
            (
                "caikit call text_mood -s http://localhost:8080 -m text_mood text_input.text=hi",
                "over HTTP, of the server at this address",
            ),
        ],
    )
    add = parser.add_argument
    add("task", metavar="TASK", help="name of a task (SpamTask, spam) or of an RPC (SpamTaskPredict)")
    add("values", metavar="NAME=VALUE", nargs="*", help="inputs and parameters")
    add("-m", "--model", metavar="ID", help="the model to call")
    add(
        "-d",
        "--data",
        metavar="JSON",
        help="the request as JSON, or @FILE with it, or - for standard input; for an RPC that takes a stream, "
        "JSON lines",
    )
    add("--stream", action="store_true", help="call the RPC that streams its answer")
    add("-f", "--field", metavar="PATH", help="of the answer, only this part, such as classes.0.name")
    add("-o", "--output", metavar="FILE", help="write the answer to a file; bytes and files as they are")
    add_server_options(parser, timeout=None)


def run(options: argparse.Namespace) -> None:
    from ._answers import Answers
    from ._rpc import find_rpc
    from ._server import open_server

    server = open_server(options, timeout=None)
    rpc = find_rpc(server.rpcs(), options.task, streamed_output=options.stream, server=server.name)
    answers = server.call(rpc, _requests(rpc, options), options.model)
    shown = Answers(rpc, options)
    with contextlib.closing(answers):
        for answer in answers:
            shown.add(answer)


def _requests(rpc: Rpc, options: argparse.Namespace) -> Iterable[Mapping[str, Any]]:
    given = read_values(rpc, options.values)
    if rpc.input_streaming and options.data is not None:
        return _streamed_requests(options.data, given)
    return [{**read_data(options.data), **given}]


def read_values(rpc: Rpc, texts: list[str]) -> dict[str, Any]:
    """What the assignments stand for; a name that is not known is that of the nameless input."""
    from ._arguments import read_assignments
    from ._types import Field

    fields = rpc.fields
    if rpc.nameless is not None:
        names = {text.partition("=")[0].partition(".")[0] for text in texts}
        unknown = sorted(names - set(fields))
        if len(unknown) == 1:
            fields = {**fields, unknown[0]: Field(unknown[0], rpc.nameless.type)}
    return read_assignments(fields, texts)


def read_data(text: str | None) -> dict[str, Any]:
    """The JSON object that `--data` stands for."""
    import json

    from ._arguments import STANDARD_INPUT, read_text

    if text is None:
        return {}
    if text == STANDARD_INPUT or text.startswith("@"):
        text = read_text(text.removeprefix("@"), "--data")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"--data: expected JSON: {problem}") from None
    if not isinstance(value, dict):
        raise UsageError(f"--data: expected a JSON object, got {type(value).__name__}")
    return value


def _streamed_requests(text: str, given: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    from ._lines import read_objects

    for value in read_objects(text):
        yield {**value, **given}
