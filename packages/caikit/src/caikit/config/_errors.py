"""What can be wrong with a source of settings.

AssertionError
 +-- ConfigPathError (also ValueError)
 +-- ConfigFileNotFoundError (also FileNotFoundError)
TypeError
 +-- ConfigContentError (also AttributeError)
ValueError
 +-- ConfigSyntaxError (also yaml.YAMLError)
"""

from __future__ import annotations

import yaml

__all__ = ["ConfigContentError", "ConfigFileNotFoundError", "ConfigPathError", "ConfigSyntaxError"]


class ConfigPathError(AssertionError, ValueError):
    """The path cannot be that of a YAML file."""


class ConfigFileNotFoundError(AssertionError, FileNotFoundError):
    """There is no file at the path."""


class ConfigContentError(TypeError, AttributeError):
    """The settings are not a mapping with string keys."""


class ConfigSyntaxError(ValueError, yaml.YAMLError):
    """The text of a file is not YAML, or stands for more than settings ever need."""
