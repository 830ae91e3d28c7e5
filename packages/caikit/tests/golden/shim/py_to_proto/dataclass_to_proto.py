"""The annotation helpers under the import path that libraries use, for processes without that package."""

from typing import Annotated

from caikit.core.data_model import FieldNumber, OneofField

__all__ = ["Annotated", "FieldNumber", "OneofField"]
