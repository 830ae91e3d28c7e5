"""Components that make predictions as jobs."""

from __future__ import annotations

import abc
from typing import Any

from ..modules.base import ModuleBase
from .job_base import JobBase, JobFutureBase, JobInfo

__all__ = ["JobPredictorBase", "JobPredictorFutureBase", "JobPredictorInfo"]


class JobPredictorInfo(JobInfo):
    """State of a prediction job."""


class JobPredictorFutureBase(JobFutureBase):
    """Handle of one prediction job."""


class JobPredictorBase(JobBase):
    """Makes predictions in the background, somewhere."""

    @abc.abstractmethod
    def predict(
        self,
        model_instance: ModuleBase,
        prediction_func_name: str,
        *args: Any,
        external_inference_id: str | None = None,
        **kwargs: Any,
    ) -> JobPredictorFutureBase:
        """Start a prediction and return at once; other arguments go to the method of the model.

        What goes wrong in the method is the error of the job. The method returns a data object.
        """

    @abc.abstractmethod
    def get_prediction_future(self, prediction_id: str) -> JobPredictorFutureBase:
        """The handle of a job of this predictor; CaikitCoreException NOT_FOUND if it knows none with this id."""

    def get_future(self, future_id: str) -> JobPredictorFutureBase:
        """The same as `get_prediction_future`."""
        return self.get_prediction_future(future_id)

    @classmethod
    def get_predictor_name(cls, prediction_id: str) -> str:
        """The name of the predictor that is encoded in an id; something else for an id without a name."""
        return cls.get_job_name(prediction_id)
