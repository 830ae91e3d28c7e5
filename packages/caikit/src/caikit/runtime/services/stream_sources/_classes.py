"""The source message class of each element type."""

from __future__ import annotations

import functools
from typing import Annotated, Any, Union

import alog
from google.protobuf import descriptor_pool

from caikit.core.data_model import DataObjectBase, FieldNumber, OneofField
from caikit.core.data_model.dataobject import make_dataobject
from caikit.core.exceptions import error_handler
from caikit.interfaces.common import data_model as common_data_model
from caikit.runtime.engine.status import Status
from caikit.runtime.services._errors import runtime_error
from caikit.runtime.services._types import is_data_object

from ._inline import source_name, source_package
from ._plugin import DataStreamSourcePlugin, PluginFactory
from ._source import DataStreamSourceBase

__all__ = ["can_be_streamed", "make_data_stream_source", "restore"]

log = alog.use_channel("STREAM-SRC")
error = error_handler.get(log)

_Key = tuple[Any, ...]
_classes: dict[str, tuple[_Key, type[DataStreamSourceBase]]] = {}


def can_be_streamed(element_type: Any) -> bool:
    """Whether source messages for this type exist."""
    return element_type in (int, float, str, bool, bytes) or is_data_object(element_type)


def make_data_stream_source(element_type: type[Any]) -> type[DataStreamSourceBase]:
    """The source message of an element type: the same class as long as the plugins stay the same."""
    error.value_check(
        "<RUN66854456E>", can_be_streamed(element_type), f"no data stream source for {element_type}"
    )
    plugins = PluginFactory.get_plugins()
    full_name = f"{source_package()}.{source_name(element_type)}"
    key = (element_type, *((type(plugin), plugin.instance_name, dict(plugin.config)) for plugin in plugins))
    known_key, known = _classes.get(full_name, (None, None))
    if known is not None and known_key == key and _is_current(known):
        return known
    made = _make(element_type, plugins)
    _classes[full_name] = (key, made)
    setattr(common_data_model, made.__name__, made)
    return made


def restore(full_name: str, element_type: type[Any], message: bytes) -> DataStreamSourceBase:
    """The inverse of pickling; the class is made where this process does not know it yet."""
    _, known = _classes.get(full_name, (None, None))
    source = known or make_data_stream_source(element_type)
    restored: DataStreamSourceBase = source.from_binary_buffer(message)  # type: ignore[attr-defined]  # a data object
    return restored


def _make(element_type: type[Any], plugins: list[DataStreamSourcePlugin]) -> type[DataStreamSourceBase]:
    name = source_name(element_type)
    messages = {plugin.get_field_name(element_type): plugin for plugin in plugins}
    error.value_check(
        "<RUN66854455E>",
        len(messages) == len(plugins),
        f"Duplicate plugin field names found in: {[plugin.instance_name for plugin in plugins]}",
    )
    types = {field: plugin.get_stream_message_type(element_type) for field, plugin in messages.items()}
    members = tuple(
        Annotated[types[field], OneofField(field), FieldNumber(plugin.get_field_number())]
        for field, plugin in messages.items()
    )
    made: type[Any] = make_dataobject(
        name=name,
        package=source_package(),
        annotations={"data_stream": Union[members]},  # noqa: UP007 - built from a tuple
        bases=(DataStreamSourceBase,),
        attrs={
            **{_attribute_name(message, name): message for message in types.values()},
            "ELEMENT_TYPE": element_type,
            "PLUGINS": plugins,
            "__doc__": f"Names a source of {element_type.__name__} elements, and is the stream over them.",
        },
    )
    _refuse_conflicting_sources(made)
    return made


def _attribute_name(message: type[DataObjectBase], name: str) -> str:
    return message.__name__.removeprefix(name)


def _refuse_conflicting_sources(made: type[Any]) -> None:
    generated = made.__init__

    @functools.wraps(generated)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            generated(self, *args, **kwargs)
        except TypeError as problem:
            raise runtime_error(Status.INVALID_ARGUMENT, str(problem)) from problem

    made.__init__ = checked


def _is_current(made: Any) -> bool:
    return made.get_proto_class().DESCRIPTOR.file.pool is descriptor_pool.Default()
