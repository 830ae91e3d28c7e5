"""Components that train models."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any

from ..modules.base import ModuleBase
from ._paths import final_save_path
from .job_base import JobBase, JobFutureBase, JobInfo

__all__ = ["ModelTrainerBase", "ModelTrainerFutureBase", "TrainingInfo"]


# Labels of trainings, for lists of them.
MODULE_LABEL = "module"
MODEL_NAME_LABEL = "model_name"


class TrainingInfo(JobInfo):
    """State of a training."""


class ModelTrainerFutureBase(JobFutureBase):
    """Handle of one training."""

    def __init__(
        self,
        future_name: str | None = None,
        future_id: str | None = None,
        use_reversible_hash: bool = True,
        save_path: Any = None,
        save_with_id: bool = False,
        model_name: str | None = None,
        extra_path_args: Sequence[str] | None = None,
        trainer_name: str | None = None,
        training_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        """`trainer_name` and `training_id` are other names of `future_name` and `future_id`."""
        name = future_name if future_name is not None else trainer_name
        identifier = future_id if future_id is not None else training_id
        if name is None or identifier is None:
            raise TypeError("expected future_name and future_id (or trainer_name and training_id)")
        super().__init__(name, identifier, use_reversible_hash, **kwargs)
        self._save_path = final_save_path(
            save_path, self.id if save_with_id else None, model_name, extra_path_args or ()
        )

    @property
    def save_path(self) -> str | None:
        """Where the trained model is saved, None if it is not."""
        return self._save_path

    @abc.abstractmethod
    def load(self) -> ModuleBase:
        """Wait, then return the trained model or raise what ended the training."""

    def result(self) -> ModuleBase:
        """The same as `load`."""
        return self.load()


class ModelTrainerBase(JobBase):
    """Trains models, somewhere."""

    ModelFutureBase = ModelTrainerFutureBase

    @abc.abstractmethod
    def train(
        self,
        module_class: type[ModuleBase],
        *args: Any,
        save_path: str | None = None,
        save_with_id: bool = False,
        model_name: str | None = None,
        **kwargs: Any,
    ) -> ModelTrainerFutureBase:
        """Start a training and return at once; other arguments go to the module's `train`.

        What goes wrong in the training itself is the error of the job. The job may run anywhere: nothing but its handle
        need be here.
        """

    @abc.abstractmethod
    def get_model_future(self, training_id: str) -> ModelTrainerFutureBase:
        """The handle of a training of this trainer; CaikitCoreException NOT_FOUND if it knows none with this id."""

    def get_future(self, future_id: str) -> ModelTrainerFutureBase:
        """The same as `get_model_future`."""
        return self.get_model_future(future_id)

    @classmethod
    def get_trainer_name(cls, training_id: str) -> str:
        """The name of the trainer that is encoded in an id; something else for an id without a name."""
        return cls.get_job_name(training_id)
