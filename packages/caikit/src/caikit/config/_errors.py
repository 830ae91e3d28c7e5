"""What can be wrong with a source of settings.

AssertionError
 +-- ConfigPathError (also ValueError)
 +-- ConfigFileNotFoundError (also FileNotFoundError)
TypeError
 +-- ConfigContentError (also AttributeError)
"""

from __future__ import annotations

__all__ = ["ConfigContentError", "ConfigFileNotFoundError", "ConfigPathError"]


class ConfigPathError(AssertionError, ValueError):
    """The path cannot be that of a YAML file."""


class ConfigFileNotFoundError(AssertionError, FileNotFoundError):
    """There is no file at the path."""


class ConfigContentError(TypeError, AttributeError):
    """The settings are not a mapping with string keys."""
