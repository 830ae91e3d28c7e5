"""Reads the file parts of a multipart form that was saved to disk."""

from __future__ import annotations

from ._multipart import Part, is_multipart_file, stream_multipart_file

__all__ = ["Part", "is_multipart_file", "stream_multipart_file"]
