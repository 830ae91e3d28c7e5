"""What a classifier answers."""

from caikit.core import DataObjectBase, dataobject


@dataobject
class ClassInfo(DataObjectBase):
    class_name: str
    confidence: float


@dataobject
class ClassificationPrediction(DataObjectBase):
    classes: list[ClassInfo]
