"""Precompiled protobuf modules as one namespace."""

from ._import_protobufs import all_enum_names, import_protobufs

__all__ = ["all_enum_names", "import_protobufs"]
