"""Templates with the fields of a record in them, such as `Text: {{input}} Label:`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import alog

from caikit.core.data_model import DataObjectBase
from caikit.core.exceptions import error_handler

__all__ = ["is_valid_verbalizer", "render_verbalizer"]

error = error_handler.get(alog.use_channel("VERBALIZER"))

_PLACEHOLDER = re.compile(r"{{([a-zA-Z0-9_]+)}}")


def is_valid_verbalizer(verbalizer_template: object) -> bool:
    """Whether this is a text with at least one placeholder."""
    return isinstance(verbalizer_template, str) and _PLACEHOLDER.search(verbalizer_template) is not None


def render_verbalizer(verbalizer_template: str, source_object: Mapping[str, Any] | DataObjectBase) -> str:
    """The template with fields in place of the placeholders; a field that is missing is a ValueError."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if isinstance(source_object, Mapping):
            known, found = name in source_object, source_object.get(name)
        else:
            known, found = name in source_object.fields, getattr(source_object, name, None)
        if not known:
            error(
                "<NLP97444192E>",
                ValueError(
                    f"The verbalizer names `{name}`, which is no field of {type(source_object).__name__}"
                ),
            )
        return str(found)

    return _PLACEHOLDER.sub(value, verbalizer_template)
