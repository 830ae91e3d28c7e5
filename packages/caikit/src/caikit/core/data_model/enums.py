"""Every enum of the process by its short name, and functions that import protobuf enums."""

from ._import_enums import import_enum, import_enums, isprotobufenum

__all__ = ["import_enum", "import_enums", "isprotobufenum"]
