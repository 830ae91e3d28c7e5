"""The HTTP head: operations by path, JSON and forms in, JSON, events and files out."""

from .head import HttpHead

__all__ = ["HttpHead"]
