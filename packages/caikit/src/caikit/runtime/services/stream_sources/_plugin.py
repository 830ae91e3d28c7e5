"""What a source of training data is made of."""

from __future__ import annotations

import abc
from typing import Any

import alog

from caikit.config import get_config
from caikit.core.data_model import DataObjectBase, DataStream
from caikit.core.exceptions import error_handler
from caikit.core.toolkit.factory import FactoryConstructible, ImportableFactory

__all__ = ["DataStreamPluginFactory", "DataStreamSourcePlugin", "PluginFactory"]

log = alog.use_channel("STREAM-SRC")
error = error_handler.get(log)


class DataStreamSourcePlugin(FactoryConstructible):
    """One kind of source: a message that names the data, and a stream over that data."""

    def __init__(self, config: Any, instance_name: str) -> None:
        self.config = config
        self.instance_name = instance_name

    @abc.abstractmethod
    def get_stream_message_type(self, element_type: type[Any]) -> type[DataObjectBase]:
        """The message that names the data."""

    @abc.abstractmethod
    def to_data_stream(self, source_message: DataObjectBase, element_type: type[Any]) -> DataStream[Any]:
        """The data that a message names."""

    @abc.abstractmethod
    def get_field_number(self) -> int:
        """The number of the message's field in the source message."""

    def get_field_name(self, element_type: type[Any]) -> str:
        """The name of the message's field in the source message."""
        return self.get_stream_message_type(element_type).__name__.lower()

    def check_access(self, source_message: DataObjectBase) -> None:
        """Raises for a message that names data which a client may not reach."""


class DataStreamPluginFactory(ImportableFactory):
    """Makes the configured plugins."""

    def get_plugins(self, plugins_config: Any | None = None) -> list[DataStreamSourcePlugin]:
        """The plugins in the order of their field numbers."""
        if plugins_config is None:
            plugins_config = get_config().data_streams.source_plugins
        plugins: list[DataStreamSourcePlugin] = [
            self.construct(section, name) for name, section in (plugins_config or {}).items()
        ]
        numbers = [plugin.get_field_number() for plugin in plugins]
        error.value_check(
            "<RUN69189361E>",
            len(set(numbers)) == len(numbers),
            f"Duplicate plugin field numbers found: {sorted(numbers)}",
        )
        return sorted(plugins, key=lambda plugin: plugin.get_field_number())


PluginFactory = DataStreamPluginFactory("DataStreamSource")
