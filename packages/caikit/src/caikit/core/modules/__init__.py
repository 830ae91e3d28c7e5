"""Modules: algorithms that can be trained, saved, loaded and run."""

from ._evaluation import EvaluationHooks
from .base import ModuleBase
from .config import ModuleConfig
from .decorator import module
from .loader import ModuleLoader
from .saver import ModuleSaver

__all__ = ["EvaluationHooks", "ModuleBase", "ModuleConfig", "ModuleLoader", "ModuleSaver", "module"]
