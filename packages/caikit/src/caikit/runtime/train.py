"""Trains one model and ends: the command line `python -m caikit.runtime.train`."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import alog

import caikit
from caikit.core import MODEL_MANAGER, ModuleBase
from caikit.core.data_model import JobStatus
from caikit.core.data_model._codec import decode_json, parse_json
from caikit.core.model_management import JobFutureBase, ModelTrainerFutureBase
from caikit.core.registries import module_registry
from caikit.core.toolkit import logging

from .engine.context import RequestContext
from .services.bind_arguments import Leases
from .services.training import training_rpc
from .services.training_arguments import TrainingArguments

__all__ = ["main"]

log = alog.use_channel("TRAIN-MAIN")

USER_ERROR = 1
INTERNAL_ERROR = 203

_CLOSE_SECONDS = 5.0
_TRUTHS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}
_INPUT_PROBLEM = "Exception raised during training. This may be a problem with your input"


class TrainingFailedError(Exception):
    """Ends the command with an exit code and one line for the termination log."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the arguments say, and exit: 0 success, 1 mistake of the caller, 203 failed training."""
    logging.configure()
    report = _Report()
    try:
        options = _parse(arguments)
        report = _Report(options.save_path, options.termination_log_file, options.enable_termination_log)
        report.begin()
        path = _train(options)
    except TrainingFailedError as failure:
        report.failed(str(failure))
        sys.exit(failure.code)
    except Exception:
        log.error("<RUN91047301E>", "The training could not be done", exc_info=True)
        report.failed("Unhandled exception during training")
        sys.exit(INTERNAL_ERROR)
    report.succeeded()
    log.info("<RUN91047302I>", "The model is saved at %s", path)


class _Report:
    """What is left behind for whoever started the command."""

    def __init__(self, save_path: str | None = None, log_file: str = "", log_enabled: bool = True) -> None:
        self._save_path = save_path
        self._log_file = (log_file or _default_log_file()) if log_enabled else None

    def begin(self) -> None:
        """What an earlier run left is not true any more."""
        for name in (".complete", ".failed"):
            with contextlib.suppress(OSError):
                Path(self._save_path or ".", name).unlink(missing_ok=True)

    def succeeded(self) -> None:
        self._touch(".complete")

    def failed(self, message: str) -> None:
        log.error("<RUN91047303E>", message)
        self._touch(".failed")
        if self._log_file is not None:
            try:
                with open(self._log_file, "a", encoding="utf-8", errors="replace") as file:
                    file.write(f"{message}\n")
            except OSError as problem:
                log.warning("<RUN91047304W>", "The termination log cannot be written: %s", problem)

    def _touch(self, name: str) -> None:
        if self._save_path is not None:
            try:
                os.makedirs(self._save_path, exist_ok=True)
                Path(self._save_path, name).touch()
            except OSError as problem:
                log.warning("<RUN91047305W>", "%s cannot be written: %s", name, problem)


# What the arguments mean


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        raise TrainingFailedError(USER_ERROR, f"{_INPUT_PROBLEM}: {message}")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _Parser(
        prog="python -m caikit.runtime.train",
        description="Train one model and end.",
        epilog="Exit codes: 0 the model is saved; 1 the arguments are wrong; 203 the training failed. The save path "
        "then has a file .complete or .failed.",
    )
    add = parser.add_argument
    add(
        "-k",
        "--training-kwargs",
        required=True,
        metavar="JSON",
        help="parameters of train: JSON, or the path of a file with it",
    )
    add("-m", "--module", required=True, help="module id, or package.module.Class")
    add("-n", "--model-name", required=True, metavar="NAME", help="name of the model's directory")
    add("-s", "--save-path", default=".", metavar="DIR", help="directory for the model (default: here)")
    add("-i", "--save-with-id", action="store_true", help="save as DIR/<training id>/NAME, not as DIR/NAME")
    add(
        "-l",
        "--library",
        nargs="+",
        default=[],
        metavar="LIB",
        help="libraries to import first; needed for module ids",
    )
    add(
        "-t",
        "--trainer",
        default="default",
        metavar="NAME",
        help="name of a configured trainer (default: default)",
    )
    add(
        "-f", "--termination-log-file", default="", metavar="FILE",
        help="where the reason of a failure is noted (default: $TERMINATION_LOG_FILE, or /dev/termination-log)",
    )  # fmt: skip
    add(
        "-e", "--enable-termination-log", type=_truth, nargs="?", const=True, metavar="true|false",
        default=os.environ.get("ENABLE_TERMINATION_LOG") or "true",
        help="whether it is noted (default: $ENABLE_TERMINATION_LOG, or true)",
    )  # fmt: skip
    return parser.parse_args(arguments)


def _truth(text: str) -> bool:
    if text.strip().lower() not in _TRUTHS:
        raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}")
    return _TRUTHS[text.strip().lower()]


def _default_log_file() -> str:
    return os.environ.get("TERMINATION_LOG_FILE") or os.path.join(os.sep, "dev", "termination-log")


def _find_module(name: str, libraries: Sequence[str]) -> type[ModuleBase]:
    for library in libraries:
        _import(library, f"Unable to import module {library}")
    unknown = f"Unable to find module {name} to train"
    registered = module_registry().get(name)
    if registered is not None:
        return registered
    package, _, class_name = name.rpartition(".")
    if not package or not all(part.isidentifier() for part in name.split(".")):
        raise TrainingFailedError(USER_ERROR, unknown)
    root = package.partition(".")[0]
    _import(root, f"Unable to import module {root}")
    _import(package, unknown)
    found = getattr(sys.modules[package], class_name, None)
    if not (isinstance(found, type) and issubclass(found, ModuleBase)):
        raise TrainingFailedError(USER_ERROR, unknown)
    return found


def _import(name: str, message: str) -> None:
    try:
        importlib.import_module(name)
    except Exception as problem:  # whatever a library does at its import
        log.error("<RUN91047306E>", "%s cannot be imported: %r", name, problem)
        raise TrainingFailedError(USER_ERROR, message) from problem


def _read_json(text: str) -> Any:
    try:
        if os.path.isfile(text):
            text = Path(text).read_text(encoding="utf-8")
        value = parse_json(text)
        if not isinstance(value, dict):
            raise ValueError(f"expected an object, got {type(value).__name__}")
    except (ValueError, OSError) as problem:
        log.error("<RUN91047307E>", "No training-kwargs: %s", problem)
        message = "training-kwargs must be valid json or point to a valid json file"
        raise TrainingFailedError(USER_ERROR, message) from problem
    return value


# What is done


def _train(options: argparse.Namespace) -> str:
    values = _read_json(options.training_kwargs)
    module = _find_module(options.module, options.library)
    if not caikit.get_config().runtime.library:
        # The messages of the parameters are named after the library.
        library = " ".join(options.library) or module.__module__.partition(".")[0]
        caikit.configure(config_dict={"runtime": {"library": library}})
    keywords = _read_parameters(module, values)
    with _interruption() as interruption:
        future = _start(module, keywords, options)
        log.info("<RUN91047308I>", "Training %s of %s has started", future.id, module.__qualname__)
        interruption.ends(future)
        future.wait()
    _check(future)
    return str(future.save_path)


def _start(
    module: type[ModuleBase], keywords: dict[str, Any], options: argparse.Namespace
) -> ModelTrainerFutureBase:
    try:
        return MODEL_MANAGER.train(
            module,
            trainer=options.trainer,
            save_path=os.path.abspath(options.save_path),
            save_with_id=options.save_with_id,
            model_name=options.model_name,
            module_kwargs=keywords,
        )
    except (TypeError, ValueError) as problem:
        raise TrainingFailedError(USER_ERROR, f"{_INPUT_PROBLEM}: {problem}") from problem


def _read_parameters(module: type[ModuleBase], values: dict[str, Any]) -> dict[str, Any]:
    try:
        arguments = TrainingArguments(training_rpc(module))
        parameters = decode_json(arguments.message, values)
        models: Any = SimpleNamespace(use=_load_model)
        return arguments.read(parameters, Leases(models, RequestContext(headers={})))
    except Exception as problem:
        log.error("<RUN91047309E>", "Wrong training-kwargs: %s", problem)
        message = "Exception encountered when attempting to parse input parameters"
        raise TrainingFailedError(USER_ERROR, message) from problem


def _load_model(model_id: str, context: Any) -> Any:
    """A model that a parameter names: a path, or one of the models that a server would have."""
    below = os.path.join(caikit.get_config().runtime.local_models_dir or "", model_id)
    path = model_id if os.path.exists(model_id) else below
    return SimpleNamespace(model=caikit.load(path), release=lambda: None)


def _check(future: JobFutureBase) -> None:
    info = future.get_info()
    if info.status is JobStatus.COMPLETED:
        return
    errors = info.errors or []
    for error in errors:
        log.error("<RUN91047310E>", "%s: %s", type(error).__name__, error)
    out_of_memory = any(isinstance(error, MemoryError) for error in errors)
    message = "OOM error during training" if out_of_memory else "Training finished unsuccessfully"
    raise TrainingFailedError(INTERNAL_ERROR, message)


class _Interruption:
    """SIGINT and SIGTERM cancel the training; then the command ends as after any failed one."""

    def __init__(self) -> None:
        self._received = threading.Event()

    def handle(self, number: int, frame: Any) -> None:
        self._received.set()

    def ends(self, future: JobFutureBase) -> None:
        # Not in the handler, for the main thread may hold the very lock that is needed.
        def cancel() -> None:
            self._received.wait()
            future.cancel()

        threading.Thread(target=cancel, name="caikit-train-cancel", daemon=True).start()


@contextlib.contextmanager
def _interruption() -> Iterator[_Interruption]:
    interruption = _Interruption()
    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.signal(number, interruption.handle) for number in numbers}
    try:
        yield interruption
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        MODEL_MANAGER.close(_CLOSE_SECONDS)


if __name__ == "__main__":
    main()
