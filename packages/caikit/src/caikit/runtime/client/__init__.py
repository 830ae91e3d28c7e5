"""Models that run on another server, with the methods of the modules behind them."""

from .remote_config import RemoteModuleConfig
from .remote_model_finder import RemoteModelFinder
from .remote_model_initializer import RemoteModelInitializer
from .remote_module_base import RemoteModuleBase

__all__ = ["RemoteModelFinder", "RemoteModelInitializer", "RemoteModuleBase", "RemoteModuleConfig"]
