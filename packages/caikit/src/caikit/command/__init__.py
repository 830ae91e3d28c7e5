"""The command `caikit`: make a library, serve it, look at servers, call and train."""

from ._main import main

__all__ = ["main"]
