"""`{{ names MODULE }}` in a page becomes a table of what the module exports, with links to where it is described."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import griffe

SOURCES = Path(__file__).parents[2] / "packages" / "caikit" / "src"


def on_page_markdown(markdown: str, **_: Any) -> str:
    return re.sub(r"^{{ names ([\w.]+) }}$", lambda found: table(found[1]), markdown, flags=re.MULTILINE)


@functools.cache
def package() -> Any:
    return griffe.load("caikit", search_paths=[SOURCES])


def table(module: str) -> str:
    face = package()[module.removeprefix("caikit.")] if "." in module else package()
    rows = [row(str(name), described(face.members[name])) for name in face.exports]
    return "\n".join([f"| `{module}` | |", "|---|---|", *rows])


def row(name: str, item: griffe.Object) -> str:
    summary = item.docstring.value.splitlines()[0] if item.docstring else ""
    return f"| [`{name}`][{item.path}] | {summary} |"


def described(item: griffe.Object | griffe.Alias) -> Any:
    """The definition of what an attribute of a package names."""
    definition = item.final_target if item.is_alias else item
    if definition.is_module and definition.name in (definition.exports or ()):
        # a module and a name in it are called the same, and the package exports the name
        return described(definition.members[definition.name])
    owner, _, method = str(getattr(definition, "value", "")).partition(".")
    if method and owner in definition.parent.members:
        # a function that is taken from an object: described at the object's class
        cls = definition.parent.members[owner].value.function
        return described(definition.parent.members[str(cls)]).members[method]
    return definition
