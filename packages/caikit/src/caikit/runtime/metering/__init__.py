"""Files that say how often each kind of model was used."""

from ._meter import RPCMeter

__all__ = ["RPCMeter"]
