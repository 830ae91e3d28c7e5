"""Training data of one task as training data of another."""

from __future__ import annotations

import alog

from caikit.core.exceptions import error_handler
from caikit.interfaces.nlp.data_model import ClassificationTrainRecord

from ..data_model import GenerationTrainRecord

__all__ = ["convert_to_generation_record"]

error = error_handler.get(alog.use_channel("TASK_UTILS"))


def convert_to_generation_record(
    train_record: GenerationTrainRecord | ClassificationTrainRecord,
) -> GenerationTrainRecord:
    """An example of classification as one of generation: the labels, with commas between, are the output."""
    error.type_check(
        "<NLP54208713E>", GenerationTrainRecord, ClassificationTrainRecord, train_record=train_record
    )
    if isinstance(train_record, ClassificationTrainRecord):
        return GenerationTrainRecord(
            input=train_record.text or "", output=",".join(map(str, train_record.labels or ()))
        )
    return train_record
