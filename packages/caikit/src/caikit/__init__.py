"""caikit: typed, trainable AI services from Python classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._lazy import lazy_attributes
from .version import __version__, __version_tuple__

if TYPE_CHECKING:
    from . import config as config
    from . import core as core
    from . import interfaces as interfaces
    from . import version as version
    from .config import configure, get_config
    from .core import extract, get_model_future, get_prediction_future, load, module, resolve_and_load, train

__all__ = [
    "__version__",
    "__version_tuple__",
    "configure",
    "extract",
    "get_config",
    "get_model_future",
    "get_prediction_future",
    "load",
    "module",
    "resolve_and_load",
    "train",
]

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "caikit.config": ["configure", "get_config"],
        "caikit.core": [
            "extract",
            "get_model_future",
            "get_prediction_future",
            "load",
            "module",
            "resolve_and_load",
            "train",
        ],
    },
    submodules=["config", "core", "interfaces", "runtime", "version"],
)
