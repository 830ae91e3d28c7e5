"""The meter under its older name."""

from caikit.runtime.metering import RPCMeter

__all__ = ["RPCMeter"]
