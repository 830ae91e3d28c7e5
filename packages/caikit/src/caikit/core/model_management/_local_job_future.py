"""One job of this process, in a thread or a child process."""

from __future__ import annotations

import abc
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from ..data_model.job import JobStatus
from ..data_model.streams.data_stream import DataStream
from ..toolkit.concurrency.destroyable_thread import DestroyableThread
from ._job_entry import JobEntry
from ._job_log import thread_logs_to, write_error, write_line
from ._job_queue import JobQueue
from ._job_record import with_progress
from ._progress_board import ProgressBoard
from ._travelling import Surroundings, packed, run_in_fresh_process, run_in_process
from .job_base import JobFutureBase, JobInfo
from .job_progress import Progress, progress_goes_to


class _Progress:
    """What changes while a job lives; it stays in this process."""

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.args = args
        self.kwargs = kwargs
        self.info = JobInfo(JobStatus.QUEUED, submission_time=datetime.now())
        self.reported: Progress | None = None
        self.worker: Any = None
        self.surroundings: Surroundings | None = None
        self.entry: JobEntry | None = None
        self.queue: JobQueue | None = None
        self.lock = threading.Lock()
        self.over = threading.Event()


class LocalJobFuture(JobFutureBase):
    """One job: it waits in a queue, then its `run` works in a thread or process of its own."""

    def __init__(
        self,
        future_name: str,
        future_id: str,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        use_subprocess: bool = False,
        subprocess_start_method: str = "fork",
        **base_kwargs: Any,
    ) -> None:
        super().__init__(future_name=future_name, future_id=future_id, **base_kwargs)
        self._use_subprocess = use_subprocess
        self._subprocess_start_method = subprocess_start_method
        self._log_path: str | None = None
        # A forked process has the database of its parent open, which does not survive the fork.
        self.worker = uuid.uuid4().hex if use_subprocess and subprocess_start_method != "fork" else None
        self._progress = _Progress(args, kwargs or {})

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_progress"}

    @abc.abstractmethod
    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Do the work and save what came of it; called in the worker."""

    @abc.abstractmethod
    def _save_result(self, result: Any) -> None:
        """Write the result to disk; called in the worker."""

    @abc.abstractmethod
    def _delete_result(self) -> None:
        """Remove from disk what `_save_result` wrote."""

    @abc.abstractmethod
    def _keep_result(self, result: Any) -> None:
        """Remember what `run` returned; called in this process when a thread has done the work."""

    def _publish_result(self) -> None:
        """Move what `_save_result` wrote to its place; called in this process when the work was done."""

    def _drop_result(self) -> None:
        """Remove what was written for a result that will not be published."""

    def _result_class_name(self) -> str | None:
        """`module:class` of the result, if that is needed to read it."""
        return None

    @property
    def draft_folder(self) -> str | None:
        """Where `_save_result` writes what `_publish_result` moves to its place."""
        return None

    @property
    def log_path(self) -> str | None:
        """The file with the log of the job, None if jobs are not recorded."""
        return self._log_path

    @property
    def labels(self) -> Mapping[str, str]:
        entry = self._progress.entry
        return super().labels if entry is None else entry.labels()

    def set_label(self, name: str, value: str) -> None:
        entry = self._progress.entry
        if entry is None:
            super().set_label(name, value)
        else:
            entry.store.set_label(entry.key, name, value)

    def get_info(self) -> JobInfo:
        progress = self._progress
        if progress.surroundings is not None and not progress.info.status.is_terminal:
            progress.reported = progress.surroundings.board.read() or progress.reported
        return with_progress(progress.info, progress.reported)

    def wait(self) -> None:
        self._progress.over.wait()

    def cancel(self) -> None:
        self.cancel_because(None)

    def cancel_because(self, reason: Exception | None) -> None:
        """Stop the work; the reason is shown as error of the job."""
        progress = self._progress
        errors = None if reason is None else [reason]
        with progress.lock:
            if progress.info.status.is_terminal:
                return
            if progress.worker is None:
                self._set_status(JobStatus.CANCELED, errors)
                self._release()
            elif self._stop_worker():
                self._set_status(JobStatus.CANCELED, errors)
        if progress.queue is not None:
            progress.queue.discard(self._execute)

    def record_in(self, entry: JobEntry, log_path: str | None) -> None:
        """From now on what happens to the job is recorded; called before it starts."""
        self._progress.entry = entry
        self._log_path = log_path

    def start_in(self, queue: JobQueue) -> None:
        """Start, or line up for execution."""
        progress = self._progress
        progress.queue = queue
        if queue.submit(self._execute):
            with progress.lock:
                if progress.info.status is JobStatus.QUEUED:
                    self._set_status(JobStatus.RUNNING)

    @property
    def is_over(self) -> bool:
        """Whether the work has really ended, which may be later than its cancellation."""
        return self._progress.over.is_set()

    def wait_until(self, deadline: float) -> bool:
        """Wait for the real end of the work, at most until this moment of `time.monotonic`; whether it came."""
        return self._progress.over.wait(max(0.0, deadline - time.monotonic()))

    def kill(self) -> None:
        """End the process of the work at once; threads cannot be killed."""
        worker = self._progress.worker
        if self._use_subprocess and worker is not None:
            worker.kill()

    def _execute(self) -> Callable[[], None]:
        result, problem = None, None
        try:
            worker = self._make_worker()
            if self._begin(worker):
                if self._use_subprocess:
                    worker.join()
                    problem = _failure_of_process(worker)
                else:
                    with thread_logs_to(self._log_path), progress_goes_to(self._note_progress):
                        worker.run()
                    result, problem = _outcome_of(worker)
        except Exception as failure:  # whatever keeps the work from starting is the job's own error
            problem = failure
        return partial(self._conclude, result, problem)

    def _begin(self, worker: Any) -> bool:
        progress = self._progress
        with progress.lock:
            if progress.info.status.is_terminal:
                return False
            self._set_status(JobStatus.RUNNING)
            if self._use_subprocess:
                worker.start()
            progress.worker = worker
            return True

    def _note_progress(self, told: Progress) -> None:
        self._progress.reported = told

    def _conclude(self, result: Any, problem: Exception | None) -> None:
        circumstances = [] if problem is None else self._circumstances()
        with self._progress.lock:
            if not self._progress.info.status.is_terminal:
                problem = problem or self._publish()
                if problem is None:
                    self._keep_result(result)
                    self._set_status(JobStatus.COMPLETED)
                else:
                    # first, for it may fill the disk that the record needs
                    self._drop_result()
                    write_error(self._log_path, problem)
                    _forget_variables(problem)
                    self._set_status(JobStatus.ERRORED, [problem, *circumstances])
        if self._progress.info.status is JobStatus.CANCELED:
            self._drop_result()
        self._release()

    def _circumstances(self) -> list[Exception]:
        """What may have led to the failure of the work, though that does not tell."""
        inputs = self._progress.kwargs.items()
        return [ValueError(f"There was nothing in {name}") for name, value in inputs if _is_empty(value)]

    def _publish(self) -> Exception | None:
        try:
            if self._progress.entry is not None and self.draft_folder is not None:
                self._progress.entry.mark_publishing()
            self._publish_result()
        except Exception as failure:
            return failure
        return None

    def _set_status(self, status: JobStatus, errors: list[Exception] | None = None) -> None:
        progress = self._progress
        if status is progress.info.status:
            return
        finished = datetime.now() if status.is_terminal else None
        info = replace(self.get_info(), status=status, errors=errors, completion_time=finished)
        write_line(self._log_path, status.name)
        if progress.entry is not None:
            progress.entry.advance(info, self._result_class_name())
        progress.info = info

    def _release(self) -> None:
        """Let go of the data of the job and of whoever waits for it."""
        progress = self._progress
        progress.worker = None
        progress.args, progress.kwargs = (), {}
        progress.over.set()

    def _make_worker(self) -> Any:
        progress = self._progress
        args, kwargs = progress.args, progress.kwargs
        if not self._use_subprocess:
            return DestroyableThread(self._run_in_thread)
        # Processes take memory that work in threads need not spend. What saves a model in a forked one is imported here:
        # while another thread imports it, a fork would inherit its lock for ever.
        import importlib.metadata  # noqa: F401 - only to have it loaded
        import multiprocessing

        from ..toolkit.concurrency.destroyable_process import DestroyableProcess

        method = self._subprocess_start_method
        shared: Any = multiprocessing.get_context(method)
        inheritance = None if progress.entry is None else progress.entry.inheritance(self.worker)
        surroundings = Surroundings(self._log_path, ProgressBoard(shared), inheritance)
        progress.surroundings = surroundings
        run = run_in_process
        if method != "fork":
            run = run_in_fresh_process
            args = tuple(map(packed, args))
            kwargs = {name: packed(value) for name, value in kwargs.items()}
        return DestroyableProcess(
            method,
            run,
            args=(self, surroundings, args, kwargs),
            return_result=True,
            description="Training process",
            ends_with_parent=inheritance is None,
        )

    def _run_in_thread(self) -> Any:
        # The thread itself must not hold the arguments: tracebacks keep it alive.
        return self.run(*self._progress.args, **self._progress.kwargs)

    def _stop_worker(self) -> bool:
        """Whether the work was still going on; it ends some time later."""
        worker = self._progress.worker
        if not self._use_subprocess:
            worker.destroy()
            return bool(worker.canceled)
        if worker.completion_event.is_set():
            return False
        # Until a process that ignores the signal is killed, some seconds pass.
        threading.Thread(target=worker.destroy, name=f"stop {self.id}").start()
        return True


def _forget_variables(problem: BaseException) -> None:
    """Frames in tracebacks hold the data of the work, which may be large."""
    chain, seen = [problem], {id(problem)}
    for link in chain:
        traceback.clear_frames(link.__traceback__)
        for linked in (link.__cause__, link.__context__):
            if linked is not None and id(linked) not in seen:
                seen.add(id(linked))
                chain.append(linked)


def _is_empty(value: Any) -> bool:
    """Only streams that can be read again tell."""
    is_empty = getattr(value, "is_empty", None)
    try:
        return isinstance(value, DataStream) and is_empty is not None and bool(is_empty())
    except Exception:  # it cannot be read, which is what the work has failed of
        return False


def _failure_of_process(worker: Any) -> Exception | None:
    done, problem = _outcome_of(worker)
    if problem is None and done is not True:
        return RuntimeError("The process of the work ended with exit code 0 before the work was done")
    return problem


def _outcome_of(worker: Any) -> tuple[Any, Exception | None]:
    try:
        return worker.get_or_throw(), None
    except Exception as raised:
        return None, raised
    except BaseException as raised:
        return None, RuntimeError(f"The work was ended by {raised!r}")
