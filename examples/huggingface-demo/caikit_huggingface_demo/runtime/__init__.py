"""The library that the demo serves: tasks, and modules that solve them with models of Hugging Face."""

from pathlib import Path

import caikit

from . import data_model, embeddings, tasks

__all__ = ["data_model", "embeddings", "tasks"]

caikit.configure(str(Path(__file__).parent / "config" / "config.yml"))
