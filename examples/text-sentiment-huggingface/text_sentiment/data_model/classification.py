"""The messages of the service."""

from caikit.core import DataObjectBase
from caikit.core.data_model import dataobject


@dataobject(package="text_sentiment.data_model")
class ClassInfo(DataObjectBase):
    """A class and how sure the model is of it, between 0 and 1."""

    class_name: str
    confidence: float


@dataobject(package="text_sentiment.data_model")
class ClassificationPrediction(DataObjectBase):
    """The answer for one text."""

    classes: list[ClassInfo]


@dataobject(package="text_sentiment.data_model")
class TextInput(DataObjectBase):
    """A text to classify."""

    text: str
