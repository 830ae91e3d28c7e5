"""A backend over a dictionary."""

from __future__ import annotations

from typing import Any

from .._database import OneofFieldVal
from .._schema import Field, MapOf, MessageType, Repeated, UnionOf, schema_of
from .base import DataModelBackendBase

__all__ = ["DictBackend"]


class DictBackend(DataModelBackendBase):
    """Nested dictionaries become nested objects when they are read."""

    def __init__(self, data_dict: dict[str, Any]) -> None:
        if not isinstance(data_dict, dict):
            raise TypeError(f"expected a dict, got {type(data_dict)}")
        self._data = data_dict

    @property
    def data_dict(self) -> dict[str, Any]:
        """The dictionary behind the objects."""
        return self._data

    def get_attribute(self, data_model_class: type[Any], name: str) -> Any:
        """The value of this key; None if there is none."""
        for field in schema_of(data_model_class).fields:
            if field.name == name:
                return self._value(field)
            if isinstance(field.type, UnionOf) and any(member.name == name for member in field.type.members):
                return self._value(field)
        raise AttributeError(f"No such attribute [{name}] on [{data_model_class.__name__}]")

    def _value(self, field: Field) -> Any:
        if not isinstance(field.type, UnionOf):
            return self._wrapped(field.type, self._data.get(field.name))
        for member in field.type.members:
            if self._data.get(member.name) is not None:
                return OneofFieldVal(self._wrapped(member.type, self._data[member.name]), member.name)
        value = self._data.get(field.name)
        if isinstance(value, dict):
            messages = [member for member in field.type.members if isinstance(member.type, MessageType)]
            if len(messages) == 1:
                return OneofFieldVal(self._wrapped(messages[0].type, value), messages[0].name)
        return value

    def _wrapped(self, node: Any, value: Any) -> Any:
        """Objects over the dictionaries of message fields."""
        match node:
            case _ if value is None:
                return None
            case MessageType(cls):
                return value if isinstance(value, cls) else cls.from_backend(type(self)(value))
            case Repeated(MessageType() as item):
                return [self._wrapped(item, element) for element in value]
            case MapOf(_, MessageType() as item):
                return {key: self._wrapped(item, element) for key, element in value.items()}
        return value
