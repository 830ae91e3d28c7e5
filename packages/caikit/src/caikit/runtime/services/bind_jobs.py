"""The work behind the RPCs of prediction jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from caikit.core import MODEL_MANAGER
from caikit.core.data_model import JobStatus
from caikit.core.exceptions.caikit_core_exception import CaikitCoreException
from caikit.core.model_management.job_base import JobQueueFullError, JobStoreError
from caikit.interfaces.runtime.data_model import PredictionJob, PredictionJobStatusResponse
from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.status import Status

from .bind_inference import ModelCalls, Work
from .bind_job_state import JobKind, job_not_taken
from .jobs import JobAction, job_action

if TYPE_CHECKING:
    from caikit.core import TaskBase
    from caikit.core.model_management import JobFutureBase
    from caikit.runtime.engine.context import RequestContext

    from ._spec import RpcSpec

_TASK = "task"

_UNFINISHED = {
    JobStatus.QUEUED: "Prediction {} has not started yet",
    JobStatus.RUNNING: "Prediction {} is still in progress",
    JobStatus.CANCELED: "Prediction {} was cancelled",
    JobStatus.ERRORED: "Prediction {} encountered an error",
}


class PredictionJobs:
    """Starts jobs, and answers for a job only to calls of its own task."""

    def __init__(self) -> None:
        self._kind = JobKind(
            noun="prediction",
            id_field="prediction_id",
            unknown="background_id",
            response=PredictionJobStatusResponse,
            lookup=MODEL_MANAGER.get_prediction_future,
        )

    def work(
        self, spec: RpcSpec, task: type[TaskBase], make_calls: Callable[[RpcSpec, type[TaskBase]], ModelCalls]
    ) -> Work:
        """The function that serves an RPC of the job service."""
        match job_action(spec):
            case JobAction.START:
                return partial(self._start, task, make_calls(spec, task))
            case JobAction.STATUS:
                return partial(self._show, task, self._kind.status)
            case JobAction.CANCEL:
                return partial(self._show, task, self._kind.cancel)
            case JobAction.RESULT:
                return partial(self._result, task, spec.response)

    def _start(
        self, task: type[TaskBase], calls: ModelCalls, context: RequestContext, given: Mapping[str, Any]
    ) -> PredictionJob:
        model, plan, leases = calls.find(context)
        try:
            keywords = calls.keywords(plan, context, given, leases)
            if plan.context_arg is not None and not plan.context_optional:
                keywords[plan.context_arg] = None  # the request ends before the job does
            future = MODEL_MANAGER.start_prediction_job(model, plan.method, module_kwargs=keywords)
            future.set_label(_TASK, _name_of(task))
        except (JobQueueFullError, JobStoreError) as error:
            raise job_not_taken(error) from error
        finally:
            leases.release()
        return PredictionJob(prediction_id=future.id)

    def _show(
        self,
        task: type[TaskBase],
        show: Callable[[str], Any],
        context: RequestContext,
        given: Mapping[str, Any],
    ) -> Any:
        job_id, _ = self._find(task, given)
        return show(job_id)

    def _result(
        self, task: type[TaskBase], response: type, context: RequestContext, given: Mapping[str, Any]
    ) -> Any:
        job_id, future = self._find(task, given)
        status = future.get_info().status
        if status is not JobStatus.COMPLETED:
            reason = _UNFINISHED.get(status, "Unable to find {} result")
            raise RequestError(Status.NOT_FOUND, reason.format(job_id))
        try:
            result = future.result()
        except CaikitCoreException as error:
            raise RequestError(Status.NOT_FOUND, f"Unable to find {job_id} result") from error
        if not isinstance(result, response):
            raise self._kind.not_found(job_id)
        return result

    def _find(self, task: type[TaskBase], given: Mapping[str, Any]) -> tuple[str, JobFutureBase]:
        """The job, if it is one of this task."""
        job_id: str = given.get("prediction_id") or ""
        future = self._kind.find(job_id)
        name = _name_of(task)
        if future.labels.get(_TASK, name) != name:
            raise self._kind.not_found(job_id)
        return job_id, future


def _name_of(task: type[TaskBase]) -> str:
    return f"{task.__module__}.{task.__qualname__}"
