"""Models of the transformers library with their image processors."""

from __future__ import annotations

from ._loading import Kind, load_folders, load_names, save_folders
from ._pair import Group, Pretrained

__all__ = ["Group", "Kind", "Pretrained", "load_folders", "load_names", "save_folders"]
