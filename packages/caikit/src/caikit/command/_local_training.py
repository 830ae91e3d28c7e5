"""A training in this process."""

from __future__ import annotations

import argparse
import os
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ._errors import CommandError, UsageError
from ._fit import fit_fields
from ._jobs import show_end
from ._library import use_library
from ._messages import message_type
from ._output import Output
from ._progress import ProgressLine
from ._train import part_of, read_parameters

if TYPE_CHECKING:
    from caikit.core import ModuleBase
    from caikit.core.model_management import JobInfo, ModelTrainerFutureBase

_LOOK_SECONDS = 0.1
_CLOSE_SECONDS = 5.0


def train_here(options: argparse.Namespace) -> None:
    """Train, show how far it is, and say where the model is."""
    import caikit
    from caikit.core import MODEL_MANAGER

    use_library(options)
    module = _find_module(options.module)
    if not options.model:
        raise UsageError("--local needs the name of the model that comes out: --model NAME")
    keywords = _read_keywords(module, options)
    folder = options.output_dir or caikit.get_config().runtime.training.output_dir
    output = Output(options)
    try:
        future = caikit.train(
            module, save_path=os.path.abspath(folder), model_name=options.model, module_kwargs=keywords
        )
        info = _watch(future, options.patience, output if options.progress else None)
    except (TypeError, ValueError) as problem:
        raise UsageError(str(problem)) from problem
    finally:
        MODEL_MANAGER.close(_CLOSE_SECONDS)
    completed = info.status.name == "COMPLETED"
    show_end(
        output,
        {
            "training_id": future.id,
            "model_name": options.model,
            "state": info.status.name,
            "model_path": str(future.save_path) if completed else None,
            "reasons": [str(error) or type(error).__name__ for error in info.errors or ()],
        },
        part_of(options),
    )


def _watch(future: ModelTrainerFutureBase, patience: float | None, lines: Output | None) -> JobInfo:
    end = None if patience is None else time.monotonic() + patience
    try:
        told: tuple[Any, ...] = ()
        with ProgressLine() as line:
            while not (info := future.get_info()).status.is_terminal:
                if end is not None and time.monotonic() >= end:
                    raise CommandError(f"The training has not ended within {patience:g} s and is cancelled")
                before, told = told, (info.progress, info.progress_text, info.metrics)
                if lines is not None and told != before and told != (None, "", {}):
                    lines.item({"state": info.status.name, **_told(info)})
                line.show(f"{info.status.name} {info.progress_text}".rstrip(), info.progress)
                time.sleep(_LOOK_SECONDS)
    except BaseException:
        future.cancel()
        raise
    return info


def _told(info: JobInfo) -> dict[str, Any]:
    told = {"progress": info.progress, "progress_text": info.progress_text, "metrics": dict(info.metrics)}
    return {name: value for name, value in told.items() if value not in (None, "", {})}


def _find_module(name: str) -> type[ModuleBase]:
    """The registered module with this id, or with a class of this name."""
    from caikit.core.registries import module_registry

    registered = module_registry()
    if name in registered:
        return registered[name]
    found = [
        module
        for module in registered.values()
        if name in (module.__name__, f"{module.__module__}.{module.__qualname__}", module.MODULE_NAME)
    ]
    if len(found) == 1:
        return found[0]
    known = ", ".join(sorted(module.__name__ for module in registered.values())) or "none"
    if found:
        ids = ", ".join(module.MODULE_ID for module in found)
        raise UsageError(f"{name!r} may mean several modules: name one by its id, {ids}")
    raise UsageError(f"There is no module {name!r}; the library has {known}")


def _read_keywords(module: type[ModuleBase], options: argparse.Namespace) -> dict[str, Any]:
    from caikit.core.data_model._codec import JsonInputError, decode_json
    from caikit.runtime.engine.context import RequestContext
    from caikit.runtime.services.bind_arguments import Leases
    from caikit.runtime.services.training import training_rpc
    from caikit.runtime.services.training_arguments import TrainingArguments

    try:
        arguments = TrainingArguments(training_rpc(module))
    except ValueError as problem:
        raise UsageError(str(problem)) from None
    fields = message_type(arguments.message.get_proto_class().DESCRIPTOR).fields
    values = fit_fields(fields, read_parameters(fields, options))
    models: Any = SimpleNamespace(use=_load_model)
    try:
        parameters = decode_json(arguments.message, values)
        return arguments.read(parameters, Leases(models, RequestContext(headers={})))
    except JsonInputError as problem:
        raise UsageError(str(problem)) from None


def _load_model(model_id: str, context: object) -> SimpleNamespace:
    """A model that a parameter names: a path, or one of the models that a server would have."""
    import caikit

    below = os.path.join(caikit.get_config().runtime.local_models_dir or "", model_id)
    path = model_id if os.path.exists(model_id) else below
    if not os.path.exists(path):
        raise UsageError(f"There is no model {model_id!r}, and none at {below}")
    return SimpleNamespace(model=caikit.load(path), release=lambda: None)
