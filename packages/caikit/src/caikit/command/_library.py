"""The library that a command works on, and its configuration."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from ._errors import CommandError, UsageError

_MODULE_DECORATOR = re.compile(r"^@(?:\w+\.)*module\(", re.MULTILINE)
_NO_LIBRARIES = frozenset({"test", "tests", "build", "dist", "node_modules", "site", "docs"})
_LIBRARY_VARIABLE = "RUNTIME_LIBRARY"
_FILES_VARIABLE = "CONFIG_FILES"


def override(variable: str, value: object) -> None:
    """Lay a setting over all others.

    That is what the environment is for: it counts more than what a library configures when it is imported.
    """
    if value is not None:
        os.environ[variable] = str(value)


def use_settings(files: list[str]) -> None:
    """Add files to those that $CONFIG_FILES names."""
    for file in files:
        if not os.path.isfile(file):
            raise UsageError(f"There is no file {file} with settings")
    if files:
        before = [each for each in os.environ.get(_FILES_VARIABLE, "").split(",") if each.strip()]
        override(_FILES_VARIABLE, json.dumps([*before, *map(os.path.abspath, files)]))


def use_library(options: argparse.Namespace) -> str:
    """Import the library that the options, the configuration or this folder name; returns its name."""
    from caikit.config import configure

    # The environment is looked at whenever something is configured.
    if options.config:
        use_settings(options.config)
        configure(config_dict={"runtime": {}})
    name = _locate(options.library) if options.library else _configured() or _find_here()
    override(_LIBRARY_VARIABLE, name)
    configure(config_dict={"runtime": {"library": name}})
    import_library(name)
    return name


def import_library(names: str) -> None:
    """Import one library, or several with blanks in between; `CommandError` says what is wrong with it."""
    from caikit.runtime.utils.import_util import clean_lib_names, get_dynamic_module

    if str(Path.cwd()) not in sys.path and "" not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    for name in clean_lib_names(names):
        try:
            get_dynamic_module(name)
        except Exception as problem:
            raise CommandError(f"Library {name!r} cannot be imported: {_cause(problem)}") from problem


def _locate(text: str) -> str:
    """The name of the library at a path; goes to the folder of a project."""
    path = Path(text)
    if path.suffix == ".py" and path.is_file():
        _put_on_path(path.resolve().parent)
        return path.stem
    if path.is_dir() and (path / "__init__.py").is_file():
        path = path.resolve()
        while (path.parent / "__init__.py").is_file():
            path = path.parent
        _put_on_path(path.parent)
        return path.name
    if path.is_dir():
        os.chdir(path)
        return _configured() or _find_here()
    if os.sep in text:
        raise UsageError(f"There is no library at {text}")
    return text


def _put_on_path(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _configured() -> str | None:
    from caikit.config import get_config

    return str(get_config().runtime.library or "") or None


def _find_here() -> str:
    found = sorted(find_libraries(Path.cwd()))
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(
            f"No library is in {Path.cwd()}: name one, set runtime.library, or make one with `caikit new`"
        )
    raise UsageError(f"Several libraries are in {Path.cwd()}: name one of {', '.join(found)}")


def find_libraries(folder: Path) -> Iterator[str]:
    """Names of the packages and files of a folder that define modules."""
    for path in folder.iterdir():
        if path.name.startswith(".") or path.stem in _NO_LIBRARIES or not path.stem.isidentifier():
            continue
        if path.suffix == ".py" and _defines_modules(path):
            yield path.stem
        elif (path / "__init__.py").is_file() and any(map(_defines_modules, path.rglob("*.py"))):
            yield path.name


def _defines_modules(path: Path) -> bool:
    try:
        return _MODULE_DECORATOR.search(path.read_text(encoding="utf-8", errors="replace")) is not None
    except OSError:
        return False


def _cause(problem: Exception) -> str:
    if isinstance(problem.__cause__, ModuleNotFoundError):
        return f"there is no module of that name ({problem.__cause__})"
    sentence = f"{type(problem).__name__}: {problem}"
    if isinstance(problem, SyntaxError):
        return sentence
    place = _last_line_of_library(problem)
    return f"{sentence} ({place.filename}, line {place.lineno})" if place else sentence


def _last_line_of_library(problem: Exception) -> traceback.FrameSummary | None:
    """Where the import went wrong; a check of caikit that refuses what it finds there does not count."""
    import caikit

    ours = str(Path(caikit.__file__).parent) + os.sep
    frames = [
        frame
        for frame in traceback.extract_tb(problem.__traceback__)
        if not frame.filename.startswith("<frozen ")
    ]
    imported = itertools.dropwhile(lambda frame: frame.filename.startswith(ours), frames)
    library = list(itertools.takewhile(lambda frame: not frame.filename.startswith(ours), imported))
    return library[-1] if library else None
