"""A file that travels in a message."""

from __future__ import annotations

from typing import Annotated

from caikit.core.data_model import PACKAGE_COMMON, DataObjectBase, FieldNumber, dataobject


@dataobject(PACKAGE_COMMON)
class File(DataObjectBase):
    """The content of a file with its name and its MIME type, such as `text/plain`."""

    data: Annotated[bytes, FieldNumber(1)]
    filename: Annotated[str | None, FieldNumber(2)]
    type: Annotated[str | None, FieldNumber(3)]


__all__ = ["File"]
