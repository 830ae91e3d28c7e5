"""`caikit new`: make the folder of a new library."""

from __future__ import annotations

import argparse
import importlib.util
import keyword
import os
import re
import shutil
import sys
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from ._errors import CommandError, UsageError
from ._output import Output
from ._parser import add_command

if TYPE_CHECKING:
    from ._parser import Subparsers

_TEMPLATE = Path(__file__).parent / "_template"
_SUFFIX = ".in"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*([_-][A-Za-z0-9]+)*")
_LONGEST_NAME = 60
# What lies beside the package in the new folder.
_TAKEN = frozenset({"client", "data", "models", "start_runtime", "tests"})


def add_to(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "new",
        run,
        summary="make the folder of a new library",
        description="Make the folder of a new library: a task, messages, a module that can be trained, a model, "
        "settings, a test. It can be served at once. Nothing that exists is changed.",
        examples=[
            ("caikit new text-mood", "the folder text-mood with the package text_mood"),
            ("cd text-mood && caikit serve", "serve it"),
        ],
    )
    parser.add_argument("path", metavar="NAME", help="name of the library, or the path of its folder")


def run(options: argparse.Namespace) -> None:
    folder = Path(options.path).absolute()
    words = _words_of(folder.name)
    files = sorted(_write_all(folder, words))
    output = Output(options)
    if output.is_json:
        output.document({"folder": str(folder), "package": words["my_library"], "files": files})
        return
    output.line(f"Made {options.path} with {len(files)} files. Next:")
    output.line(f"  cd {options.path} && caikit serve")


def _words_of(name: str) -> dict[str, str]:
    """What stands in the new files for the words of the template."""
    from caikit.core.toolkit.name_tools import camel_to_snake_case, snake_to_upper_camel

    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise UsageError(
            f"expected a name of letters and digits with - or _ in between, {_LONGEST_NAME} characters at most, "
            f"got {name!r}"
        )
    package = name.replace("-", "_").lower()
    if keyword.iskeyword(package) or package in _TAKEN or _is_module(package):
        raise UsageError(
            f"{name!r} cannot be the name of a library: Python or the new folder has another {package!r}"
        )
    prefix = snake_to_upper_camel(name.replace("-", "_"))
    return {
        "my_library": package,
        "my-library": camel_to_snake_case(prefix, kebab_case=True),
        "MyLibrary": prefix,
        "00000000-0000-0000-0000-000000000000": str(uuid.uuid4()),
    }


def _is_module(package: str) -> bool:
    """Whether a module of this name is installed; what lies in the working directory is not."""
    if package in sys.stdlib_module_names or package == "caikit":
        return True
    try:
        found = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return False
    return found is not None and found.origin is not None and Path.cwd() not in Path(found.origin).parents


def _write_all(folder: Path, words: dict[str, str]) -> list[str]:
    """Write the files aside, then move them to their place in one step."""
    if folder.exists() or folder.is_symlink():
        raise CommandError(f"{folder} exists already")
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        draft.chmod(0o777 & ~_umask())
        written = [_write(source, draft, words) for source in _TEMPLATE.rglob(f"*{_SUFFIX}")]
        if folder.exists():
            raise CommandError(f"{folder} exists already")
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return written


def _write(source: Path, draft: Path, words: dict[str, str]) -> str:
    name = _replace(source.relative_to(_TEMPLATE).as_posix().removesuffix(_SUFFIX), words)
    target = draft / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_replace(source.read_text(encoding="utf-8"), words), encoding="utf-8")
    return name


def _replace(text: str, words: dict[str, str]) -> str:
    return re.sub("|".join(words), lambda found: words[found[0]], text)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
