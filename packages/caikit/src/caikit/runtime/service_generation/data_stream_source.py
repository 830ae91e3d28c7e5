"""Sources of training data."""

from caikit.runtime.services.stream_sources import (
    DataStreamPluginFactory,
    DataStreamSourceBase,
    DataStreamSourcePlugin,
    DirectoryDataStreamSourcePlugin,
    FileDataStreamSourcePlugin,
    JsonDataStreamSourcePlugin,
    ListOfFilesDataStreamSourcePlugin,
    PluginFactory,
    S3FilesDataStreamSourcePlugin,
    make_data_stream_source,
)

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
    "make_data_stream_source",
]
