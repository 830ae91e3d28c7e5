"""Keeps the folders of this machine out of what callers are told."""

from __future__ import annotations

import re

_MARK = "[Errno "
# `[Errno 2] No such file or directory: '/folder/name'`, with a second path for renamings; also inside of a repr.
_PATH = re.compile(r"(?<=: |> )(b?\\?)(['\"])((?:/|[A-Za-z]:\\).*?)(\\?\2|$)")
_SEPARATORS = re.compile(r"[/\\]+")


def hide_folders(text: str) -> str:
    """A text in which system errors name files without their folders."""
    if _MARK not in text:
        return text
    before, mark, after = text.partition(_MARK)
    return before + mark + _PATH.sub(_only_name, after)


def _only_name(found: re.Match[str]) -> str:
    before, quote, path, after = found.groups()
    name = _SEPARATORS.split(path.rstrip("/"))[-1]
    return f"{before}{quote}{name}{after}"
