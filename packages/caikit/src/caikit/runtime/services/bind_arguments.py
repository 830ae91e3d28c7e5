"""From the fields of a request to the values that a method of a module takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from caikit.core.data_model._schema import MessageType, Repeated, UnionOf, schema_of
from caikit.interfaces.common.data_model.primitive_sequences import Sequence
from caikit.interfaces.runtime.data_model import ModelPointer

if TYPE_CHECKING:
    from caikit.core.data_model import DataObjectBase
    from caikit.runtime.engine.context import RequestContext
    from caikit.runtime.models import Lease, ModelStore


class Leases:
    """The models that one request uses."""

    __slots__ = ("_context", "_leases", "_store")

    def __init__(self, store: ModelStore, context: RequestContext) -> None:
        self._store = store
        self._context = context
        self._leases: list[Lease] = []

    def take(self, model_id: str | None) -> Any:
        lease = self._store.use(model_id, self._context)
        self._leases.append(lease)
        return lease.model

    def release(self) -> None:
        while self._leases:
            self._leases.pop().release()


Converter = Callable[[Any, Leases], Any]


class ArgumentReader:
    """Knows which fields of a message hold something else than what the method takes."""

    def __init__(self, message: type[DataObjectBase]) -> None:
        found = {field.name: _converter(field.type) for field in schema_of(message).fields}
        self.converters: dict[str, Converter] = {
            name: each for name, each in found.items() if each is not None
        }

    def read(self, given: Mapping[str, Any], leases: Leases) -> dict[str, Any]:
        values = dict(given)
        for name, convert in self.converters.items():
            if name in values:
                values[name] = convert(values[name], leases)
        return values


def _converter(node: Any) -> Converter | None:
    if isinstance(node, MessageType) and issubclass(node.cls, ModelPointer):
        return _load_model
    if isinstance(node, UnionOf) and any(_is_list(member.type) for member in node.members):
        return _unwrap_list
    return None


def _is_list(node: Any) -> bool:
    return isinstance(node, Repeated) or (isinstance(node, MessageType) and issubclass(node.cls, Sequence))


def _load_model(pointer: ModelPointer | None, leases: Leases) -> Any:
    return None if pointer is None else leases.take(pointer.model_id)


def _unwrap_list(value: Any, leases: Leases) -> Any:
    return list(getattr(value, "values", None) or ()) if isinstance(value, Sequence) else value
