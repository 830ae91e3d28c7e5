"""The models that are measured, as a library of caikit."""

from .busy import Busy
from .device import Shouter
from .tiny import Score, Scores, Tiny, TinyTask
from .tokens import Talker
from .vector import Embedder

__all__ = ["Busy", "Embedder", "Score", "Scores", "Shouter", "Talker", "Tiny", "TinyTask"]
