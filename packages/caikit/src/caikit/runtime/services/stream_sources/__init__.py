"""Where training data comes from: inline, from files, from folders, or from plugins."""

from ._classes import can_be_streamed, make_data_stream_source
from ._plugin import DataStreamPluginFactory, DataStreamSourcePlugin, PluginFactory
from ._plugins import (
    DirectoryDataStreamSourcePlugin,
    FileDataStreamSourcePlugin,
    JsonDataStreamSourcePlugin,
    ListOfFilesDataStreamSourcePlugin,
    S3FilesDataStreamSourcePlugin,
)
from ._source import DataStreamSourceBase

__all__ = [
    "DataStreamPluginFactory",
    "DataStreamSourceBase",
    "DataStreamSourcePlugin",
    "DirectoryDataStreamSourcePlugin",
    "FileDataStreamSourcePlugin",
    "JsonDataStreamSourcePlugin",
    "ListOfFilesDataStreamSourcePlugin",
    "PluginFactory",
    "S3FilesDataStreamSourcePlugin",
    "can_be_streamed",
    "make_data_stream_source",
]
