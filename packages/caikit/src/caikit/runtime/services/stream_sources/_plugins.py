"""The sources of training data that are always there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from caikit.interfaces.common.data_model.stream_sources import (
    Directory,
    FileReference,
    ListOfFileReferences,
    S3Files,
)

from ._elements import directory_stream, file_stream, inline_stream
from ._inline import inline_message
from ._paths import check_path
from ._plugin import DataStreamSourcePlugin, PluginFactory

if TYPE_CHECKING:
    from caikit.core.data_model import DataObjectBase, DataStream

__all__ = [
    "DirectoryDataStreamSourcePlugin",
    "FileDataStreamSourcePlugin",
    "JsonDataStreamSourcePlugin",
    "ListOfFilesDataStreamSourcePlugin",
    "S3FilesDataStreamSourcePlugin",
]


class JsonDataStreamSourcePlugin(DataStreamSourcePlugin):
    """The elements themselves."""

    name = "JsonData"

    def get_stream_message_type(self, element_type: type[Any]) -> type[DataObjectBase]:
        return inline_message(element_type)

    def to_data_stream(self, source_message: Any, element_type: type[Any]) -> DataStream[Any]:
        return inline_stream(source_message.data)

    def get_field_number(self) -> int:
        return 1

    def get_field_name(self, element_type: type[Any]) -> str:
        return "jsondata"


class FileDataStreamSourcePlugin(DataStreamSourcePlugin):
    """One file."""

    name = "FileData"

    def get_stream_message_type(self, element_type: type[Any]) -> type[DataObjectBase]:
        return FileReference

    def to_data_stream(self, source_message: Any, element_type: type[Any]) -> DataStream[Any]:
        return file_stream(source_message.filename, element_type)

    def get_field_number(self) -> int:
        return 2

    def get_field_name(self, element_type: type[Any]) -> str:
        return "file"

    def check_access(self, source_message: Any) -> None:
        check_path(source_message.filename or "")


class ListOfFilesDataStreamSourcePlugin(DataStreamSourcePlugin):
    """Several files, one after the other."""

    name = "ListOfFiles"

    def get_stream_message_type(self, element_type: type[Any]) -> type[DataObjectBase]:
        return ListOfFileReferences

    def to_data_stream(self, source_message: Any, element_type: type[Any]) -> DataStream[Any]:
        from caikit.core.data_model import DataStream

        return DataStream.chain(*(file_stream(file, element_type) for file in source_message.files or ()))

    def get_field_number(self) -> int:
        return 3

    def get_field_name(self, element_type: type[Any]) -> str:
        return "list_of_files"

    def check_access(self, source_message: Any) -> None:
        for file in source_message.files or ():
            check_path(file)


class DirectoryDataStreamSourcePlugin(DataStreamSourcePlugin):
    """The files of a folder that have one extension."""

    name = "Directory"

    def get_stream_message_type(self, element_type: type[Any]) -> type[DataObjectBase]:
        return Directory

    def to_data_stream(self, source_message: Any, element_type: type[Any]) -> DataStream[Any]:
        return directory_stream(source_message.dirname, source_message.extension, element_type)

    def get_field_number(self) -> int:
        return 4

    def check_access(self, source_message: Any) -> None:
        check_path(source_message.dirname or "")


class S3FilesDataStreamSourcePlugin(DataStreamSourcePlugin):
    """Files in an object store: part of the messages, not available here."""

    name = "S3Files"

    def get_stream_message_type(self, element_type: type[Any]) -> type[DataObjectBase]:
        return S3Files

    def to_data_stream(self, source_message: Any, element_type: type[Any]) -> DataStream[Any]:
        raise NotImplementedError("S3Files are not implemented as stream sources in this runtime.")

    def get_field_number(self) -> int:
        return 5


for _plugin in (
    JsonDataStreamSourcePlugin,
    FileDataStreamSourcePlugin,
    ListOfFilesDataStreamSourcePlugin,
    DirectoryDataStreamSourcePlugin,
    S3FilesDataStreamSourcePlugin,
):
    PluginFactory.register(_plugin)
