"""How trainings and prediction jobs are looked at and cancelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import alog

from caikit._exception_text import text_of
from caikit.core.data_model import JobStatus
from caikit.core.exceptions.caikit_core_exception import CaikitCoreException, CaikitCoreStatusCode
from caikit.core.model_management.job_base import JobQueueFullError, JobStoreError
from caikit.runtime.engine.errors import RequestError
from caikit.runtime.engine.private_paths import hide_folders
from caikit.runtime.engine.status import Status

if TYPE_CHECKING:
    from caikit.core.data_model import DataObjectBase
    from caikit.core.model_management import JobFutureBase, JobInfo


log = alog.use_channel("JOB-STATE")


@dataclass(frozen=True, slots=True)
class JobKind:
    """What differs between trainings and prediction jobs."""

    noun: str
    id_field: str
    unknown: str
    response: type[DataObjectBase]
    lookup: Callable[[str], JobFutureBase]

    def find(self, job_id: str | None) -> JobFutureBase:
        job_id = job_id or ""
        try:
            return self.lookup(job_id)
        except ValueError as error:  # the id names a trainer or predictor that does not exist
            raise self.not_found(job_id) from error
        except JobStoreError as error:
            raise job_not_taken(error) from error

    def not_found(self, job_id: str | None) -> RequestError:
        return RequestError(Status.NOT_FOUND, f"Unknown {self.unknown}: {job_id or ''}")

    def status(self, job_id: str) -> Any:
        future = self.find(job_id)
        info = self._ask(job_id, "get status for", "get_status", future.get_info)
        return self.response(
            **{self.id_field: job_id},
            state=info.status,
            submission_timestamp=in_utc(info.submission_time),
            completion_timestamp=in_utc(info.completion_time),
            reasons=reasons_of(info),
        )

    def cancel(self, job_id: str) -> Any:
        future = self.find(job_id)

        def cancel() -> Any:
            future.cancel()
            return future.get_info()

        try:
            info = self._ask(job_id, "cancel", "cancel", cancel)
        except CaikitCoreException:  # whoever runs the job has forgotten it
            return self.response(**{self.id_field: job_id}, state=JobStatus.CANCELED)
        return self.response(**{self.id_field: job_id}, state=info.status, reasons=reasons_of(info))

    def _ask(self, job_id: str, verb: str, function: str, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except CaikitCoreException as error:
            if error.status_code is CaikitCoreStatusCode.NOT_FOUND:
                raise
            raise RequestError(Status.INTERNAL, f"Failed to {verb} {self.noun} id {job_id}") from error
        except Exception as error:
            raise RequestError(
                Status.INTERNAL,
                f"Unexpected error with {self.noun} id {job_id}. Could not perform {function}",
            ) from error


def job_not_taken(error: JobQueueFullError | JobStoreError) -> RequestError:
    """The refusal of a job that cannot be kept."""
    if isinstance(error, JobQueueFullError):
        return RequestError(Status.RESOURCE_EXHAUSTED, str(error))
    # Where the records are is nothing for callers.
    log.error("<RUN61240061E>", "%s", error)
    return RequestError(Status.UNAVAILABLE, "The records of jobs cannot be used at the moment")


def in_utc(moment: datetime | None) -> datetime | None:
    """Jobs tell naive local times."""
    return None if moment is None else moment.astimezone(timezone.utc)


def reasons_of(info: JobInfo) -> list[str]:
    return [hide_folders(_reason_of(error)) for error in info.errors or ()]


def _reason_of(error: BaseException) -> str:
    message = getattr(error, "message", None)
    return message if message and isinstance(message, str) else text_of(error)
