"""A dictionary whose keys are attributes, too."""

from __future__ import annotations

import json
from enum import Enum, EnumMeta
from typing import Any


class Munch(dict[Any, Any]):
    """`m["a"]` and `m.a` are the same."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(name) from None

    def toJSON(self, **options: Any) -> str:  # noqa: N802 - documented name
        return json.dumps(self, **options)

    def toYAML(self, **options: Any) -> str:  # noqa: N802 - documented name
        import yaml

        text: str = yaml.safe_dump(dict(self), **{"default_flow_style": True, **options})
        return text


def make_enum(name: str, members: dict[str, int]) -> type[Enum]:
    """An enum class whose name and members are only known at run time."""
    functional: EnumMeta = Enum
    made: type[Enum] = functional(name, members)
    return made
