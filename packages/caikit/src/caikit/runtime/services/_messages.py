"""Message classes by short name, looked up when they are used."""

from __future__ import annotations

from typing import Any

from caikit.core.data_model.base import DataBase
from caikit.core.data_model.dataobject import get_generated_proto_classes

__all__ = ["Messages"]


class Messages:
    """The message class of every data object of the process as an attribute; names of `package` come first."""

    def __init__(self, package: str) -> None:
        self._package = package

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        for candidate in (f"{self._package}.{name}", name):
            try:
                data_class = DataBase.get_class_for_name(candidate)
            except ValueError:
                continue
            return getattr(data_class, "_proto_enum", None) or data_class.get_proto_class()
        newest = [made for made in get_generated_proto_classes() if made.DESCRIPTOR.name == name]
        if newest:
            return newest[-1]
        raise AttributeError(f"no data object of this process has a message named {name}")

    def __dir__(self) -> list[str]:
        return sorted({made.DESCRIPTOR.name for made in get_generated_proto_classes()})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Messages) and other._package == self._package

    def __hash__(self) -> int:
        return hash(self._package)
