"""The handle of a training on another server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from caikit.core.data_model import JobStatus
from caikit.core.model_management import ModelTrainerFutureBase, TrainingInfo
from caikit.interfaces.runtime.data_model import TrainingInfoRequest, TrainingStatusResponse
from caikit.runtime.names import TRAINING_MANAGEMENT_ENDPOINT

from ._errors import remote_error

if TYPE_CHECKING:
    from .remote_module_base import RemoteModuleBase

__all__ = ["RemoteTraining"]

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0


class RemoteTraining(ModelTrainerFutureBase):
    """A training that runs on the server of a remote model."""

    def __init__(self, model: RemoteModuleBase, training_id: str) -> None:
        super().__init__("", training_id, use_reversible_hash=False)
        self._model = model

    @property
    def status(self) -> JobStatus:
        """The state, asked from the server."""
        return self.get_info().status

    def get_info(self) -> TrainingInfo:
        """State, errors and times, asked from the server; `CaikitRuntimeException` if it does not know the training."""
        response = self._ask("GetTrainingStatus", "GET")
        return TrainingInfo(
            status=JobStatus(response.state),
            errors=[RuntimeError(reason) for reason in response.reasons or ()] or None,
            submission_time=response.submission_timestamp,
            completion_time=response.completion_timestamp,
        )

    def cancel(self) -> None:
        self._ask("CancelTraining", "DELETE")

    def wait(self, timeout: float | None = None) -> None:
        """Ask until the training has ended, whatever way; `TimeoutError` after `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        pause = _FIRST_PAUSE
        while not self.status.is_terminal:
            if end is not None and time.monotonic() >= end:
                raise TimeoutError(f"Training {self.id} has not ended within {timeout:g} s")
            time.sleep(pause if end is None else max(0.0, min(pause, end - time.monotonic())))
            pause = min(2 * pause, _LONGEST_PAUSE)

    def load(self) -> RemoteModuleBase:
        """Wait, then return the remote model; `CaikitRuntimeException` if the training has failed."""
        self.wait()
        info = self.get_info()
        if info.status is JobStatus.CANCELED:
            raise remote_error("CANCELLED", f"Training {self.id} was cancelled")
        if info.status is not JobStatus.COMPLETED:
            reasons = "; ".join(str(each) for each in info.errors or ())
            raise remote_error("INTERNAL", f"Training {self.id} has failed: {reasons}")
        return self._model

    def _ask(self, rpc_name: str, http_method: str) -> TrainingStatusResponse:
        request = TrainingInfoRequest(training_id=self.id)
        response: TrainingStatusResponse = self._model._management_request(
            rpc_name, request, TrainingStatusResponse, (http_method, TRAINING_MANAGEMENT_ENDPOINT)
        )
        return response
