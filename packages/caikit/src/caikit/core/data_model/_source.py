"""Functions made from generated source."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any


class Source:
    """Lines of one function and the objects that it uses; every object gets a name of its own."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._depth = 0
        self.names: dict[str, Any] = {}

    def use(self, value: Any, hint: str) -> str:
        """A name for this object inside the function."""
        name = f"_{hint}"
        while name in self.names and self.names[name] is not value:
            name += "_"
        self.names[name] = value
        return name

    def line(self, text: str) -> None:
        self._lines.append("    " * self._depth + text)

    def indent(self) -> None:
        self._depth += 1

    def dedent(self) -> None:
        self._depth -= 1

    def block(self, text: str, *lines: str) -> None:
        self.line(text)
        for line in lines:
            self.line(f"    {line}")

    def function(self, name: str, title: str) -> Callable[..., Any]:
        """Compile; the source is shown in tracebacks under the title."""
        text = "\n".join(self._lines) + "\n"
        file = f"<caikit {title}>"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        exec(compile(text, file, "exec"), self.names)  # noqa: S102 - the text consists of checked names
        made: Callable[..., Any] = self.names[name]
        made.__qualname__ = title
        return made
