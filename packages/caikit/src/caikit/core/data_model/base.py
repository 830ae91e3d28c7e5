"""The base class of everything that has a protobuf message."""

from ._database import DataBase, OneofFieldVal

__all__ = ["DataBase", "OneofFieldVal"]
