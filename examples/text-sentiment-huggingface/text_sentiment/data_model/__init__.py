"""Data objects of the library; the runtime looks for them in a sub-package of this name."""

from .classification import ClassificationPrediction, ClassInfo, TextInput

__all__ = ["ClassInfo", "ClassificationPrediction", "TextInput"]
