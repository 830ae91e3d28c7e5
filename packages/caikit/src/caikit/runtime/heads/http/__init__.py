"""The HTTP head: operations by path, JSON and forms in, JSON, events and files out."""

from .head import PROBE_PATHS, HttpHead

__all__ = ["PROBE_PATHS", "HttpHead"]
