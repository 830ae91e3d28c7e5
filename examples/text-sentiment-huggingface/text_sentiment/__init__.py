"""A library for the caikit runtime: sentiment of a text, by a transformers pipeline."""

from pathlib import Path

import caikit

from . import data_model, runtime_model

__all__ = ["data_model", "runtime_model"]

caikit.configure(str(Path(__file__).parent / "config.yml"))
