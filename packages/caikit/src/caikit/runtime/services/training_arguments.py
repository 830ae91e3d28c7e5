"""From the parameters of a training, as they were sent, to the keywords of a module's `train`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from caikit.core.data_model._schema import MessageType, schema_of

from .bind_arguments import ArgumentReader, Leases

if TYPE_CHECKING:
    from caikit.core import ModuleBase
    from caikit.core.data_model import DataObjectBase

    from ._spec import RpcSpec

__all__ = ["TrainingArguments"]


class TrainingArguments:
    """Knows the parameters of one train RPC."""

    def __init__(self, spec: RpcSpec) -> None:
        module: type[ModuleBase] = spec.modules[0]
        self.message = _parameters_message(spec)
        self._reader = ArgumentReader(self.message)
        self._defaults = frozenset(module.TRAIN_SIGNATURE.default_parameters)

    def read(self, parameters: DataObjectBase | None, leases: Leases) -> dict[str, Any]:
        """The keywords; models that they name are taken from the leases."""
        return self._reader.read(self._given(parameters), leases)

    def _given(self, parameters: DataObjectBase | None) -> dict[str, Any]:
        if parameters is None:
            return {}
        values = {field.name: getattr(parameters, field.name) for field in schema_of(self.message).fields}
        return {name: value for name, value in values.items() if self._is_given(name, value)}

    def _is_given(self, name: str, value: Any) -> bool:
        """A list that was not sent looks like an empty one."""
        if value is None:
            return False
        return not (name in self._defaults and isinstance(value, list | dict) and not value)


def _parameters_message(spec: RpcSpec) -> type[DataObjectBase]:
    for field in schema_of(spec.request).fields:
        if field.name == "parameters" and isinstance(field.type, MessageType):
            return field.type.cls
    raise TypeError(f"{spec.request.__name__} has no message field 'parameters'")
