"""The models in a folder, without a server."""

from __future__ import annotations

import argparse
from typing import Any

from ._errors import CommandError
from ._library import use_library
from ._models import human_size
from ._output import Output, warn


def list_local_models(options: argparse.Namespace, output: Output) -> None:
    """Each with its module and, as far as the library is here, its tasks."""
    from caikit.config import get_config
    from caikit.runtime.models._local import LocalModels

    _use_library_if_any(options)
    folder = options.local or get_config().runtime.local_models_dir
    try:
        paths = LocalModels(folder, files_are_models=False).scan()
    except OSError as problem:
        raise CommandError(f"{folder} cannot be read: {problem.strerror}") from None
    models = [_describe(name, path) for name, path in paths.items()]
    if output.is_json:
        output.document(models)
    elif models:
        headers = ["MODEL", "MODULE", "VERSION", "MODULE ID", "SIZE", "TASKS"]
        output.table(headers, [_row(model) for model in models])
    else:
        output.line(f"There are no models in {folder}.")


def _use_library_if_any(options: argparse.Namespace) -> None:
    """Without it everything but the tasks is known."""
    try:
        use_library(options)
    except CommandError as problem:
        if options.library or options.config:
            raise
        if problem.__cause__ is not None:
            warn(str(problem))


def _describe(name: str, path: str) -> dict[str, Any]:
    from caikit.core.modules._config_file import read_config
    from caikit.core.registries import module_registry
    from caikit.runtime.models._files import size_on_disk

    described: dict[str, Any] = {"name": name, "model_path": path, "size": size_on_disk(path)}
    try:
        config = read_config(path)
    except Exception as problem:  # whatever may be wrong with a file
        return {**described, "error": str(getattr(problem, "strerror", None) or problem)}
    module_id = str(config.get("module_id") or "")
    module = module_registry().get(module_id)
    return {
        **described,
        "module_id": module_id,
        "module": config.get("name") or (module.MODULE_NAME if module else None),
        "version": str(config.get("version") or (module.MODULE_VERSION if module else "")),
        "tasks": None if module is None else [task.__name__ for task in module.tasks],
    }


def _row(model: dict[str, Any]) -> list[str]:
    if "error" in model:
        return [model["name"], "", "", model["error"], human_size(model["size"]), ""]
    tasks = "unknown module" if model["tasks"] is None else ", ".join(model["tasks"])
    module, version = str(model["module"] or ""), model["version"]
    return [model["name"], module, version, model["module_id"], human_size(model["size"]), tasks]
