"""Places that training data can be read from."""

from __future__ import annotations

import json
from typing import Annotated

from caikit.core.data_model import PACKAGE_COMMON, DataObjectBase, FieldNumber, dataobject

_SECRETS = ("accessKey", "secretKey", "IAM_api_key")


@dataobject(PACKAGE_COMMON)
class FileReference(DataObjectBase):
    """The path of a file that the server can read, below its `data_streams.file_source_base`."""

    filename: Annotated[str, FieldNumber(1)]


@dataobject(PACKAGE_COMMON)
class ListOfFileReferences(DataObjectBase):
    """Paths of files that the server can read, below its `data_streams.file_source_base`."""

    files: Annotated[list[str], FieldNumber(1)]


@dataobject(PACKAGE_COMMON)
class Directory(DataObjectBase):
    """The files with an extension, such as `jsonl`, in a directory that the server can read."""

    dirname: Annotated[str, FieldNumber(1)]
    extension: Annotated[str, FieldNumber(2)]


@dataobject(PACKAGE_COMMON)
class S3Base(DataObjectBase):
    """A bucket and the credentials for it; these are hidden when the object is printed."""

    endpoint: Annotated[str, FieldNumber(2)]
    region: Annotated[str, FieldNumber(3)]
    bucket: Annotated[str, FieldNumber(4)]
    accessKey: Annotated[str, FieldNumber(5)]  # noqa: N815  # the published name on the wire
    secretKey: Annotated[str, FieldNumber(6)]  # noqa: N815  # the published name on the wire
    IAM_id: Annotated[str, FieldNumber(7)]
    IAM_api_key: Annotated[str, FieldNumber(8)]

    def __repr__(self) -> str:
        shown = {
            name: "***" if name in _SECRETS and value else value for name, value in self.to_dict().items()
        }
        return json.dumps(shown, indent=2, ensure_ascii=False)

    __str__ = __repr__


@dataobject(PACKAGE_COMMON)
class S3Files(S3Base):
    """Files in a bucket."""

    files: Annotated[list[str], FieldNumber(1)]


@dataobject(PACKAGE_COMMON)
class S3Path(S3Base):
    """A path in a bucket."""

    path: Annotated[str, FieldNumber(1)]


__all__ = ["Directory", "FileReference", "ListOfFileReferences", "S3Base", "S3Files", "S3Path"]
