"""Names of source messages, and the message that carries elements inline."""

from __future__ import annotations

from typing import Any

from caikit.core.data_model import DataObjectBase
from caikit.runtime.names import ServiceType, get_service_package_name
from caikit.runtime.services._parameters import Parameter
from caikit.runtime.services._requests import message_class

__all__ = ["inline_message", "source_name", "source_package"]


def source_package() -> str:
    return get_service_package_name(ServiceType.TRAINING)


def source_name(element_type: type[Any]) -> str:
    name = element_type.__name__
    return f"DataStreamSource{name[:1].upper()}{name[1:]}"


def inline_message(element_type: type[Any]) -> type[DataObjectBase]:
    """`repeated T data = 1`."""
    data: Any = list[element_type]  # type: ignore[valid-type]  # the type is known at run time only
    return message_class(source_package(), f"{source_name(element_type)}JsonData", {"data": Parameter(data)})
