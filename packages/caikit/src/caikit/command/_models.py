"""`caikit models`: the models of a server, or of a folder."""

from __future__ import annotations

import argparse
import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._errors import CommandError, UsageError
from ._output import Output
from ._parser import add_command, add_library_options, add_server_options

if TYPE_CHECKING:
    from ._parser import Subparsers
    from ._server import Server

_UNITS = ("B", "kB", "MB", "GB", "TB")


def add_to(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "models",
        run,
        summary="list models; load, unload, deploy and undeploy them",
        examples=[
            ("caikit models", "the models of a local server"),
            ("caikit models --local models --json", "those in a folder, as JSON"),
            ("caikit models deploy another models/text_mood", "send the files of a model to the server"),
            ("caikit models undeploy another", "remove it there, with its files"),
            (
                'caikit models load extra "$PWD/models/text_mood"',
                "load a folder of the server's machine (gRPC)",
            ),
            ("caikit models unload extra", "free its memory; the files stay (gRPC)"),
        ],
    )
    add = parser.add_argument
    add(
        "action",
        nargs="?",
        choices=["list", "load", "unload", "deploy", "undeploy"],
        default="list",
        metavar="ACTION",
        help="list (default), load, unload, deploy, undeploy",
    )
    add(
        "values",
        nargs="*",
        metavar="ID [PATH]",
        help="id of the model, and its folder: here for deploy, on the machine of the server for load",
    )
    add("--type", metavar="TYPE", default="standalone-model", help="type of the model, for load")
    add(
        "--local",
        metavar="DIR",
        nargs="?",
        const="",
        help="list the models of this folder instead (default: runtime.local_models_dir of the configuration)",
    )
    add_library_options(parser)
    add_server_options(parser)


def run(options: argparse.Namespace) -> None:
    _check(options)
    output = Output(options)
    if options.local is not None:
        from ._local_models import list_local_models

        list_local_models(options, output)
        return
    from ._server import open_server

    _ACTIONS[options.action](open_server(options), options, output)


def _check(options: argparse.Namespace) -> None:
    needed = {"list": "", "load": "ID PATH", "unload": "ID", "deploy": "ID PATH", "undeploy": "ID"}[
        options.action
    ]
    if len(options.values) != len(needed.split()):
        given = " ".join(options.values) or "nothing"
        raise UsageError(f"models {options.action} takes {needed or 'nothing more'}, got {given}")
    if options.local is not None and options.action != "list":
        raise UsageError(f"--local goes with list, not with {options.action}")
    if options.local is None and (options.library or options.config):
        raise UsageError("--library and --config go with --local: a server has its own")


def _load(server: Server, options: argparse.Namespace, output: Output) -> None:
    model_id, path = options.values
    answer = server.ask("loadModel", {"modelId": model_id, "modelPath": path, "modelType": options.type})
    _done(output, f"Loaded {model_id}", {"model_id": model_id, "size": answer.get("sizeInBytes")})


def _unload(server: Server, options: argparse.Namespace, output: Output) -> None:
    (model_id,) = options.values
    server.ask("unloadModel", {"modelId": model_id})
    _done(output, f"Unloaded {model_id}", {"model_id": model_id})


def _deploy(server: Server, options: argparse.Namespace, output: Output) -> None:
    model_id, folder = options.values
    answer = server.ask("DeployModel", {"model_id": model_id, "model_files": _read_files(folder)})
    _done(output, f"Deployed {model_id} as {answer.get('model_path')}", answer)


def _undeploy(server: Server, options: argparse.Namespace, output: Output) -> None:
    (model_id,) = options.values
    _done(output, f"Undeployed {model_id}", server.ask("UndeployModel", {"model_id": model_id}))


def _list(server: Server, options: argparse.Namespace, output: Output) -> None:
    models = server.ask("GetModelsInfo", {}).get("models") or []
    if output.is_json:
        output.document(models)
        return
    rows = []
    for model in sorted(models, key=lambda each: str(each.get("name"))):
        module = model.get("module_metadata") or {}
        rows.append(
            [
                str(model.get("name")),
                str(module.get("name") or ""),
                str(module.get("version") or ""),
                str(model.get("module_id") or ""),
                human_size(model.get("size")),
                "loaded" if model.get("loaded") else "not loaded",
            ]
        )
    if rows:
        output.table(["MODEL", "MODULE", "VERSION", "MODULE ID", "MEMORY", "STATE"], rows)
    else:
        output.line("The server has no models.")


def _read_files(folder: str) -> list[dict[str, str]]:
    """The files below a folder, with their relative names."""
    root = Path(folder)
    if not (root / "config.yml").is_file():
        raise CommandError(f"{folder} is no model: there is no {root / 'config.yml'}")
    return [
        {
            "filename": path.relative_to(root).as_posix(),
            "data": base64.b64encode(path.read_bytes()).decode(),
        }
        for path in sorted(root.rglob("*"))
        if path.is_file()
    ]


def _done(output: Output, sentence: str, answer: dict[str, Any]) -> None:
    if output.is_json:
        output.document(answer)
    else:
        output.line(sentence)


def human_size(size: Any) -> str:
    if not isinstance(size, int) or not size:
        return ""
    number, unit = float(size), 0
    while number >= 1000 and unit < len(_UNITS) - 1:
        number, unit = number / 1000, unit + 1
    return f"{number:.3g} {_UNITS[unit]}"


_ACTIONS = {"list": _list, "load": _load, "unload": _unload, "deploy": _deploy, "undeploy": _undeploy}
