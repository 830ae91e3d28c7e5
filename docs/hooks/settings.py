"""`{{ settings }}` in a page becomes the tables of all configuration keys, made from the packaged defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import yaml

DEFAULTS = Path(__file__).parents[2] / "packages" / "caikit" / "src" / "caikit" / "config" / "config.yml"
MARKER = "{{ settings }}"
VARIABLE_NAMES = str.maketrans(".-", "__")


@dataclass(frozen=True)
class Setting:
    """A key with its default; a section that has a comment is one, too, without a default."""

    key: str
    default: str | None
    comment: str

    @property
    def variable(self) -> str:
        return self.key.upper().translate(VARIABLE_NAMES)

    @property
    def heading(self) -> str:
        parts = self.key.split(".")
        depth = 2 if parts[0] == "runtime" and (len(parts) > 2 or self.default is None) else 1
        return ".".join(parts[:depth]) if len(parts) > 1 or self.default is None else "At the top"


def on_page_markdown(markdown: str, **_: Any) -> str:
    return markdown.replace(MARKER, render(DEFAULTS.read_text())) if MARKER in markdown else markdown


def settings(text: str) -> list[Setting]:
    return list(walk(yaml.compose(text, Loader=yaml.SafeLoader), "", text.splitlines()))


def walk(node: Any, prefix: str, lines: list[str]) -> Iterator[Setting]:
    for name, value in node.value:
        key = prefix + name.value
        comment = comment_above(lines, name.start_mark.line)
        if isinstance(value, yaml.MappingNode) and value.value:
            if comment:
                yield Setting(key, None, comment)
            yield from walk(value, f"{key}.", lines)
        else:
            yield Setting(key, source(value), comment)


def comment_above(lines: list[str], number: int) -> str:
    found: list[str] = []
    while number > 0 and lines[number - 1].strip().startswith("#"):
        number -= 1
        found.insert(0, lines[number].strip().removeprefix("#").strip())
    return " ".join(found)


def source(value: Any) -> str:
    if isinstance(value, yaml.ScalarNode):
        return value.start_mark.buffer[value.start_mark.pointer : value.end_mark.pointer]
    content = yaml.safe_load(yaml.serialize(value))
    return yaml.safe_dump(content, default_flow_style=True, width=1000).strip()


def render(text: str) -> str:
    by_heading: dict[str, list[Setting]] = {}
    for each in settings(text):
        by_heading.setdefault(each.heading, []).append(each)
    return "\n\n".join(table(heading, found) for heading, found in by_heading.items())


def table(heading: str, found: list[Setting]) -> str:
    return "\n".join(
        [f"## {heading}", "", "| key and variable | default | |", "|---|---|---|", *map(row, found)]
    )


def row(setting: Setting) -> str:
    # the anchor of a key is the key itself
    name = f'<a id="{setting.key}"></a>{breakable(setting.key)}<br>{breakable(setting.variable)}'
    default = "" if setting.default is None else breakable(setting.default)
    return f"| {name} | {default} | {setting.comment} |"


def breakable(text: str) -> str:
    """Long names may be broken after a dot or an underscore, else tables get too wide."""
    name = re.sub("([._,])", r"\1<wbr>", escape(text))
    return f"<code>{name}</code>"
